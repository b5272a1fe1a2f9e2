/** Who is in a community, who waits, and what moderators do about it. */
import { openMenu } from "./menu.js";
import { ask, toast } from "./dialogs.js";
import { h, icon } from "./dom.js";
import { accountOf, field, form, refusal, typed } from "./forms.js";
import { button, face } from "./parts.js";
import { t } from "./text.js";

/** @typedef {import("./page_community.js").Known} Known @typedef {import("./page_community.js").Member} Member */

const OFFICES = /** @type {const} */ (["admin", "moderator", "member"]);

/** @param {Known} known @param {import("./acts.js").Acts} acts @param {string | undefined} me */
export function membersView({ community, members, requests }, acts, me) {
  if (members === null) return null;
  const { role } = community.you;
  const governs = role === "admin" || role === "moderator";
  return h(
    "section.panel",
    { "aria-labelledby": "members-title", "data-key": "members" },
    h("h2", { id: "members-title" }, t("community.people")),
    refusal(acts, "answer", "member"),
    requests.length > 0 && [
      h("h3", { id: "waiting-title" }, t("community.waiting")),
      h("ul.request-list", { "aria-labelledby": "waiting-title" }, requests.map(({ account }) => h(
        "li.request",
        { "data-key": account.id },
        face(account, "small"),
        h("span.request-name", {}, account.name),
        button("decline-member", t("action.decline"), { "data-account": account.id, "aria-label": t("action.decline_label", { name: account.name }) }),
        button("accept-member", t("action.accept"), { "data-account": account.id, kind: "primary", "aria-label": t("action.accept_label", { name: account.name }) }),
      ))),
    ],
    h("ul.person-list", { "aria-labelledby": "members-title" }, members.map(({ account, role: office }) => h(
      "li.person-row",
      { "data-key": account.id },
      face(account, "small"),
      h("span.person-row-name", {}, account.id === me ? t("person.you", { name: account.name }) : account.name, h("span.quiet", {}, t(`community.role.${office}`))),
      governs && account.id !== me && h("button.person-more", {
        type: "button", "data-action": "member", "data-account": account.id, "data-name": account.name, "data-role": office,
        "data-mine": role, "aria-haspopup": "menu", "aria-label": t("person.actions", { name: account.name }),
      }, icon("more")),
    ))),
    governs && form("invite-member", acts, t("community.invite"), (trouble) => [
      field("member-handle", t("community.invite_whom"), {
        name: "account", required: true, maxlength: 65, autocapitalize: "none", spellcheck: "false", hint: t("ticket.give_hint"), trouble: trouble("account"),
      }),
    ], { kind: "" }),
  );
}

/**
 * @param {string} path @param {import("./api.js").Api} api @param {import("./acts.js").Acts} acts @param {() => Promise<void>} load
 * @returns {Record<string, (control: HTMLElement) => unknown>}
 */
export function membersActions(path, api, acts, load) {
  const answer = (/** @type {boolean} */ accept) => (/** @type {HTMLElement} */ { dataset: { account } }) => acts.run("answer", async () => {
    await api.post(`${path}/requests/${account}`, { accept });
    await load();
  });
  return {
    "accept-member": answer(true),
    "decline-member": answer(false),
    "invite-member": (control) => acts.run("invite-member", async () => {
      const { account } = await api.post(`${path}/invitations`, { account: accountOf(typed(control).account) });
      /** @type {HTMLFormElement} */ (control).reset();
      toast(t("community.invited", { name: account.name }));
      await load();
    }),
    member: async (control) => {
      const { account, name = "", role, mine } = control.dataset;
      const choice = await openMenu(control, t("person.actions", { name }), [
        ...(mine === "admin" ? OFFICES.filter((office) => office !== role).map((office) => ({ action: office, text: t(`community.make.${office}`), icon: "star" })) : []),
        { action: "remove", text: t("community.remove"), icon: "leave", danger: true },
        { action: "ban", text: t("community.ban"), icon: "block", danger: true },
      ]);
      if (!choice) return;
      if ((choice === "remove" || choice === "ban") && !(await sure(choice, name))) return;
      await acts.run("member", async () => {
        if (choice === "remove") await api.delete(`${path}/members/${account}`);
        else if (choice === "ban") await api.post(`${path}/bans`, { account });
        else await api.patch(`${path}/members/${account}`, { role: choice });
        await load();
      });
    },
  };
}

/** @param {"remove" | "ban"} act @param {string} name */
async function sure(act, name) {
  const answer = await ask(t(`community.${act}_sure`, { name }), [
    h("p", {}, t(`community.${act}_what`, { name })),
    h("div.row", {}, button("cancel", t("app.cancel")), button("yes", t(`community.${act}`), { kind: "danger" })),
  ]);
  return answer !== null;
}
