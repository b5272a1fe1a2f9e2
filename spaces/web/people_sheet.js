/** Everybody in a Space who is known by name: the stage, and who of the audience has signed in. */
import { Acts } from "./acts.js";
import { openSheet } from "./dialogs.js";
import { h } from "./dom.js";
import { accountOf, field, form, typed } from "./forms.js";
import { face } from "./parts.js";
import { personMenu } from "./space_menus.js";
import { t } from "./text.js";
import { personButton } from "./view_stage.js";

/** How often the list is read anew while one looks at it, in milliseconds. */
const EVERY = 4_000;

/** @typedef {import("./client.js").Account} Account */

/** @param {import("./page_space.js").Model} model @param {import("./api.js").Api} api */
export async function peopleSheet(model, api) {
  const { client } = model;
  /** @type {{people: Account[], anonymous: number, more: boolean} | null} */
  let audience = null;
  const load = async () => {
    const answer = await api.get(`/v1/spaces/${client.id}/audience`);
    audience = { people: answer.accounts, anonymous: answer.anonymous, more: answer.next !== null };
    sheet.draw();
  };
  const acts = new Acts(() => sheet.draw());
  const sheet = openSheet(t("room.people"), () => [peopleView(model, audience), client.hosting && inviteView(acts)], {
    person: async (control) => {
      const known = [...(audience?.people ?? []), ...client.invitations.map(({ account }) => account)];
      await personMenu(model, api, control, known.find(({ id }) => id === control.dataset.account));
      await load();
    },
    invite: async (form) => {
      const { handle, role } = typed(form);
      const sent = await acts.run("invite", () => api.post(`/v1/spaces/${client.id}/stage-invitations`, { account: accountOf(handle), role }));
      if (sent) /** @type {HTMLFormElement} */ (form).reset();
    },
  });
  const redraw = () => sheet.draw();
  const timer = setInterval(() => load().catch(() => {}), EVERY); // the next try may succeed
  client.addEventListener("space", redraw);
  client.addEventListener("invitations", redraw);
  try {
    await load();
  } catch (error) {
    sheet.close();
    throw error;
  } finally {
    sheet.closed.then(() => {
      clearInterval(timer);
      client.removeEventListener("space", redraw);
      client.removeEventListener("invitations", redraw);
    });
  }
}

/**
 * @param {import("./page_space.js").Model} model
 * @param {{people: Account[], anonymous: number, more: boolean} | null} audience
 */
function peopleView({ space, client }, audience) {
  const mine = client.you?.account?.id;
  const invited = new Set(client.invitations.map(({ account }) => account.id));
  const inside = new Set(audience?.people.map(({ id }) => id));
  const away = client.invitations.filter(({ account }) => !inside.has(account.id));
  return [
    h("h3", { id: "sheet-stage" }, t("space.stage")),
    h("ul.person-list", { "aria-labelledby": "sheet-stage", "data-key": "stage" },
      space.stage.map(({ account, role }) =>
        rowView(account, [t(`role.${role}`), account.guest && t("person.guest")], account.id === mine))),
    h("h3", { id: "sheet-audience" }, t("people.audience")),
    audience === null
      ? h("p.none", { role: "status" }, t("app.loading"))
      : h("ul.person-list", { "aria-labelledby": "sheet-audience", "data-key": "audience" },
        audience.people.map((account) => rowView(account, [invited.has(account.id) && t("people.invited")], account.id === mine))),
    audience && (audience.anonymous > 0 || audience.people.length === 0)
      && h("p.quiet", { "data-key": "anonymous" }, t(audience.people.length ? "people.anonymous_too" : "people.anonymous", { count: audience.anonymous })),
    audience?.more && h("p.quiet", { "data-key": "more" }, t("people.more")),
    audience && away.length > 0 && [
      h("h3", { id: "sheet-invited", "data-key": "invited-title" }, t("people.invited_title")),
      h("ul.person-list", { "aria-labelledby": "sheet-invited", "data-key": "invited" },
        away.map(({ account, role }) => rowView(account, [t(`people.invited_as.${role}`)], false))),
    ],
  ];
}

/** Also for those who are not here. @param {Acts} acts */
function inviteView(acts) {
  return [
    h("h3", { "data-key": "invite-title" }, t("people.invite")),
    form("invite", acts, t("people.invite_send"), (trouble) => [
      h(
        "div.field-pair",
        {},
        field("invite-handle", t("people.handle"), {
          name: "handle",
          required: true,
          maxlength: 65,
          autocapitalize: "none",
          spellcheck: "false",
          trouble: trouble("account"),
        }),
        field("invite-role", t("people.role"), {
          name: "role",
          choices: [["speaker", t("role.speaker")], ["cohost", t("role.cohost")]],
          value: "speaker",
        }),
      ),
    ], { kind: "" }),
  ];
}

/** @param {Account} account @param {(string | false | undefined)[]} words @param {boolean} isMe */
function rowView(account, words, isMe) {
  const about = words.filter(Boolean).join(" · ");
  return h(
    "li.person-row",
    { "data-key": account.id },
    face(account, "small"),
    h("span.person-row-name", {}, isMe ? t("person.you", { name: account.name }) : account.name, about && h("span.quiet", {}, about)),
    !isMe && personButton(account),
  );
}
