/** A creator's own room: Spaces to open, tiers to offer, and what was earned. */
import { Acts } from "./acts.js";
import { h, listen, show } from "./dom.js";
import { field, form, typed } from "./forms.js";
import { partsPage } from "./page_account.js";
import { moneyPart } from "./studio_money.js";
import { spacesPart } from "./studio_spaces.js";
import { tiersPart } from "./studio_tiers.js";
import { t } from "./text.js";

/** @param {import("./app.js").Page} page */
export async function studioPage({ main, api, me, signIn, repeat }) {
  if (!me) return signIn();
  document.title = t("app.title", { title: t("studio.title") });
  if (me.creator === null) return becomeCreator(main, api, me);
  await partsPage({ main, api, me, repeat }, [spacesPart, tiersPart, moneyPart], (parts) =>
    h(
      "div.page.account-page",
      { "data-key": "studio" },
      h(
        "div.page-head",
        {},
        h("h1", { tabindex: "-1" }, t("studio.title")),
        h("div.row", {}, h("a.button", { href: `/@${me.creator}` }, t("studio.public"))),
      ),
      parts,
    ));
}

/** @param {HTMLElement} main @param {import("./api.js").Api} api @param {import("./app.js").Me} me */
function becomeCreator(main, api, me) {
  const draw = () => show(main, becomeView(acts, me));
  const acts = new Acts(draw);
  listen(main, {
    become: (control) => acts.run("become", async () => {
      await api.post("/v1/creators", typed(control));
      location.reload();
    }),
  });
  draw();
}

/** @param {Acts} acts @param {import("./app.js").Me} me */
function becomeView(acts, me) {
  return h(
    "section.narrow",
    { "data-key": "become" },
    h("h1", { tabindex: "-1" }, t("studio.become")),
    h("p.lead", {}, t("studio.become_how")),
    form("become", acts, t("studio.become_go"), (trouble) => [
      field("creator-name", t("studio.name"), {
        name: "name",
        required: true,
        maxlength: 100,
        value: me.name,
        hint: t("studio.name_hint"),
        trouble: trouble("name"),
      }),
      field("creator-handle", t("profile.handle"), {
        name: "handle",
        required: true,
        maxlength: 31,
        autocapitalize: "none",
        spellcheck: "false",
        value: me.handle ?? "",
        readonly: me.handle !== null,
        hint: t(me.handle === null ? "profile.handle_once" : "studio.handle_yours"),
        trouble: trouble("handle"),
      }),
    ], { kind: "primary big" }),
  );
}
