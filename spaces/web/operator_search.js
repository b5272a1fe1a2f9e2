/** Finding an account, a creator or a Space. */
import { h } from "./dom.js";
import { field, form, typed } from "./forms.js";
import { accountAsWhom, creatorAsWhom, spaceAsWhom, suspendButton } from "./operator_suspend.js";
import { creatorLink, handleText, stateMark } from "./parts.js";
import { t } from "./text.js";

/**
 * @typedef {{account: import("./client.js").Account, is_creator: boolean, suspended: string[]}} FoundAccount
 * @typedef {{space: import("./client.js").Space, suspended: boolean}} FoundSpace
 */

/** @param {import("./parts_page.js").PartOf} part @returns {import("./parts_page.js").Part} */
export function searchPart({ api, acts }) {
  let asked = "";
  /** @type {{accounts: FoundAccount[], spaces: FoundSpace[]}} */
  let found = { accounts: [], spaces: [] };
  const search = async () => {
    if (asked) found = await api.get(`/v1/operator/search?q=${encodeURIComponent(asked)}`);
  };
  return {
    load: search,
    view: () => h(
      "section.panel",
      { "aria-labelledby": "search-title" },
      h("h2", { id: "search-title" }, t("operator.search")),
      form("search", acts, t("operator.search_do"), (trouble) => [
        field("q", t("operator.search_what"), { type: "search", required: true, maxlength: 200, hint: t("operator.search_hint"), trouble: trouble("q") }),
      ], { kind: "" }),
      asked && h(
        "div.found",
        { role: "status" },
        found.accounts.length + found.spaces.length === 0 && h("p.none", {}, t("operator.search_none")),
        h("ul.things", {}, found.accounts.map((one) => accountView(one, acts)), found.spaces.map((one) => spaceView(one, acts))),
      ),
    ),
    actions: {
      search: (control) => acts.run("search", async () => {
        asked = typed(control).q;
        await search();
      }),
    },
  };
}

/** @param {FoundAccount} found @param {import("./acts.js").Acts} acts */
function accountView({ account, is_creator: isCreator, suspended }, acts) {
  return h(
    "li.thing",
    { "data-key": `account-${account.id}` },
    h(
      "div.thing-what",
      {},
      h("p.thing-name", {}, isCreator ? creatorLink(account) : account.name),
      h("p.quiet", {}, [account.handle && handleText(account.handle), `#${account.id}`, isCreator && t("operator.is_creator")].filter(Boolean).join(" · ")),
      suspended.map((scope) => h("p.trouble", {}, t(`operator.suspended.${scope}`))),
    ),
    h(
      "div.thing-acts",
      {},
      suspendButton(acts, accountAsWhom(account, suspended)),
      isCreator && suspendButton(acts, creatorAsWhom(account, suspended)),
    ),
  );
}

/** @param {FoundSpace} found @param {import("./acts.js").Acts} acts */
function spaceView({ space, suspended }, acts) {
  return h(
    "li.thing",
    { "data-key": `space-${space.id}` },
    h(
      "div.thing-what",
      {},
      h("p.thing-name", {}, h("a", { href: `/s/${space.id}` }, space.title)),
      h("p.quiet", {}, stateMark(space), " ", creatorLink(space.creator)),
      suspended && h("p.trouble", {}, t("operator.suspended.space")),
    ),
    h("div.thing-acts", {}, suspendButton(acts, spaceAsWhom(space, suspended))),
  );
}
