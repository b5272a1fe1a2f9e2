/** Who is invited into a Space that is for invited people: asked in, and not any more. */
import { Acts } from "./acts.js";
import { openSheet } from "./dialogs.js";
import { h } from "./dom.js";
import { accountOf, field, form, typed } from "./forms.js";
import { button, face } from "./parts.js";
import { t, timeText } from "./text.js";

/** @typedef {{account: import("./client.js").Account, by: import("./client.js").Account, created_at: string}} Invited */

/** @param {import("./api.js").Api} api @param {string} space */
export async function invitedSheet(api, space) {
  const path = `/v1/spaces/${space}/invitations`;
  /** @type {Invited[] | null} */
  let invited = null;
  const acts = new Acts(() => sheet.draw());
  const load = async () => {
    ({ invitations: invited } = await api.get(path));
    sheet.draw();
  };
  const sheet = openSheet(t("invited.title"), () => [
    h("p.quiet", {}, t("invited.how")),
    form("invite", acts, t("people.invite_send"), (trouble) => [
      field("invited-handle", t("people.handle"), { name: "account", required: true, maxlength: 65, autocapitalize: "none", spellcheck: "false", trouble: trouble("account") }),
    ], { kind: "" }),
    invited === null
      ? h("p.none", { role: "status", "data-key": "loading" }, t("app.loading"))
      : invited.length === 0
        ? h("p.none", { "data-key": "none" }, t("invited.none"))
        : h("ul.person-list", { "data-key": "list", "aria-label": t("invited.title") }, invited.map(rowView)),
  ], {
    invite: async (control) => {
      const sent = await acts.run("invite", async () => {
        await api.post(path, { account: accountOf(typed(control).account) });
        await load();
      });
      if (sent) /** @type {HTMLFormElement} */ (control).reset();
    },
    uninvite: async ({ dataset: { account } }) => {
      await api.delete(`${path}/${account}`);
      await load();
    },
  });
  try {
    await load();
  } catch (error) {
    sheet.close();
    throw error;
  }
}

/** @param {Invited} invited */
const rowView = ({ account, created_at: since }) => h(
  "li.person-row",
  { "data-key": account.id },
  face(account, "small"),
  h("span.person-row-name", {}, account.name, h("span.quiet", {}, timeText(since))),
  button("uninvite", t("invited.take_back"), { "data-account": account.id, "aria-label": t("invited.take_back_label", { name: account.name }) }),
);
