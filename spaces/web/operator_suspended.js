/** What is suspended now. */
import { h } from "./dom.js";
import { accountAsWhom, creatorAsWhom, spaceAsWhom, suspendButton } from "./operator_suspend.js";
import { t, timeText } from "./text.js";

/**
 * @typedef {{scope: "account" | "creator" | "space", account: import("./client.js").Account, space: string | null,
 *   since: string, by: import("./client.js").Account | null, reason: string}} Suspension
 */

/** @param {import("./parts_page.js").PartOf} part @returns {import("./parts_page.js").Part} */
export function suspendedPart({ api, acts }) {
  /** @type {Suspension[]} */
  let suspensions = [];
  return {
    async load() {
      ({ suspensions } = await api.get("/v1/operator/suspensions"));
    },
    view: () => h(
      "section.panel",
      { "aria-labelledby": "suspended-title" },
      h("h2", { id: "suspended-title" }, t("operator.suspended")),
      suspensions.length
        ? h("ul.things", {}, suspensions.map((one) => suspensionView(one, acts)))
        : h("p.none", {}, t("operator.none_suspended")),
    ),
    actions: {},
  };
}

/** @param {Suspension} one @param {import("./acts.js").Acts} acts */
function suspensionView(one, acts) {
  const whom = one.scope === "space"
    ? spaceAsWhom({ id: one.space ?? "", title: one.space ?? "" }, true)
    : one.scope === "creator" ? creatorAsWhom(one.account, ["creator"]) : accountAsWhom(one.account, ["account"]);
  const since = { time: timeText(one.since), name: one.by?.name ?? t("operator.the_machine") };
  return h(
    "li.thing",
    { "data-key": `suspended-${one.scope}-${one.space ?? one.account.id}` },
    h(
      "div.thing-what",
      {},
      h("p.thing-name", {}, t(`operator.scope.${one.scope}`), " · ",
        one.space ? h("a", { href: `/s/${one.space}` }, one.space) : one.account.name),
      one.reason && h("p.said", {}, one.reason),
      h("p.quiet", {}, t("operator.suspended_since", since)),
    ),
    h("div.thing-acts", {}, suspendButton(acts, whom)),
  );
}
