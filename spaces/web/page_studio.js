/** A creator's own room: Spaces to open, tiers to offer, and what was earned; for a publication, as far as one's role goes. */
import { Acts } from "./acts.js";
import { EDITORS, FINANCE, HOSTS, ROLES, loadMyCreators } from "./creator_roles.js";
import { h, listen, show } from "./dom.js";
import { followersPart } from "./followers.js";
import { field, form, typed } from "./forms.js";
import { face, loadingView } from "./parts.js";
import { partsPage } from "./parts_page.js";
import { communitiesPart } from "./studio_communities.js";
import { compsPart } from "./studio_comps.js";
import { couponsPart } from "./studio_coupons.js";
import { discountsPart } from "./studio_discounts.js";
import { soldGiftsPart } from "./studio_gifts.js";
import { lettersPart } from "./studio_letters.js";
import { moneyPart } from "./studio_money.js";
import { payoutsPart } from "./studio_payouts.js";
import { receivedPart } from "./studio_received.js";
import { spacesPart } from "./studio_spaces.js";
import { publicationsPart, teamPart } from "./studio_team.js";
import { tiersPart } from "./studio_tiers.js";
import { t } from "./text.js";

/** @typedef {(part: import("./parts_page.js").PartOf) => import("./parts_page.js").Part} Maker */
/** The studio's views: what belongs together stands together, each part for these roles. @type {Record<string, [string[], Maker][]>} */
const VIEWS = {
  spaces: [[HOSTS, spacesPart], [FINANCE, tiersPart], [FINANCE, moneyPart], [FINANCE, payoutsPart]],
  offers: [[FINANCE, couponsPart], [FINANCE, compsPart], [FINANCE, soldGiftsPart], [FINANCE, discountsPart]],
  payments: [[FINANCE, (part) => followersPart(part, String(part.me.creator))], [FINANCE, receivedPart]],
  letters: [[EDITORS, lettersPart]],
  communities: [[EDITORS, communitiesPart]],
  team: [[ROLES, teamPart], [ROLES, publicationsPart]],
};

/** @param {import("./app.js").Page} page */
export async function studioPage({ main, api, me, signIn, repeat }) {
  if (!me) return signIn();
  document.title = t("app.title", { title: t("studio.title") });
  show(main, loadingView());
  const creators = await loadMyCreators(api);
  const asked = new URLSearchParams(location.search);
  const mine = creators.find(({ handle }) => handle === asked.get("of")) ?? creators[0];
  const publication = asked.get("new") === "publication";
  if (!mine || publication || (asked.has("new") && me.creator === null)) return becomeCreator(main, api, me, publication);
  /** What one may do there. */
  const views = Object.entries(VIEWS).map(([name, parts]) => ({
    name, makers: parts.filter(([roles]) => roles.includes(mine.role)).map(([, make]) => make),
  })).filter(({ makers }) => makers.length);
  const shown = views.find(({ name }) => name === asked.get("view")) ?? views[0];
  await partsPage({ main, api, me: { ...me, creator: mine.handle, role: mine.role }, repeat }, shown.makers, (parts) =>
    h(
      "div.page.account-page",
      { "data-key": "studio" },
      h(
        "div.page-head",
        {},
        h("h1", { tabindex: "-1" }, t("studio.title")),
        h("div.row", {}, h("a.button", { href: `/@${mine.handle}` }, t(mine.kind === "person" ? "studio.public" : "studio.public_of_all"))),
      ),
      creators.length > 1 && h("nav.tabs", { "aria-label": t("studio.whose") }, creators.map((one) => h(
        "a.whose",
        { href: address(one.handle === creators[0].handle ? "" : one.handle), "aria-current": one === mine ? "true" : null },
        face(one.account, "small"),
        h("span", {}, one.name),
      ))),
      h("nav.tabs", { "aria-label": t("studio.title") }, views.map(({ name }) => h(
        "a",
        { href: address(asked.get("of") ?? "", name === views[0].name ? "" : name), "aria-current": name === shown.name ? "page" : null },
        t(name === "spaces" && !FINANCE.includes(mine.role) ? "studio.spaces" : `studio.view.${name}`),
      ))),
      parts,
    ));
}

/** @param {string} of a creator's handle, for another than the first @param {string} [view] other than the first */
function address(of, view = "") {
  const query = String(new URLSearchParams({ ...(of && { of }), ...(view && { view }) }));
  return query ? `/studio?${query}` : "/studio";
}

/**
 * @param {HTMLElement} main @param {import("./api.js").Api} api @param {import("./app.js").Me} me
 * @param {boolean} publication several people's, with a name and handle of its own
 */
function becomeCreator(main, api, me, publication) {
  const draw = () => show(main, publication ? foundView(acts) : becomeView(acts, me));
  const acts = new Acts(draw);
  listen(main, {
    become: (control) => acts.run("become", async () => {
      await api.post("/v1/creators", typed(control));
      location.assign("/studio");
    }),
    "found-publication": (control) => acts.run("found-publication", async () => {
      const { handle } = await api.post("/v1/creators", { kind: "publication", ...typed(control) });
      location.assign(address(handle, "team"));
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
    h("p", {}, h("a", { href: "/studio?new=publication" }, t("team.found"))),
  );
}

/** @param {Acts} acts */
function foundView(acts) {
  return h(
    "section.narrow",
    { "data-key": "found-publication" },
    h("h1", { tabindex: "-1" }, t("team.found")),
    h("p.lead", {}, t("team.found_how")),
    form("found-publication", acts, t("team.found_do"), (trouble) => [
      field("publication-name", t("studio.name"), {
        name: "name", required: true, maxlength: 100, hint: t("studio.name_hint"), trouble: trouble("name"),
      }),
      field("publication-handle", t("profile.handle"), {
        name: "handle", required: true, maxlength: 31, autocapitalize: "none", spellcheck: "false", hint: t("profile.handle_once"), trouble: trouble("handle"),
      }),
    ], { kind: "primary big" }),
  );
}
