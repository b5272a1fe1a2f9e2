/** Who pays a creator, as only the creator sees it, and the way to end it. */
import { ask } from "./dialogs.js";
import { h } from "./dom.js";
import { button, face } from "./parts.js";
import { t, timeText } from "./text.js";

/** @typedef {{id: string, status: string, account: import("./client.js").Account, tier_name: string, until: string | null}} Follower */

/** Those whose subscription opens a door now. @param {import("./api.js").Api} api @param {string} handle @returns {Promise<Follower[]>} */
export async function loadFollowers(api, handle) {
  const { subscriptions } = await api.get(`/v1/creators/${handle}/subscriptions`);
  return subscriptions.filter((/** @type {any} */ one) => !one.ended_at && one.status !== "incomplete");
}

/** @param {Follower[]} followers */
export function followersView(followers) {
  return h(
    "section",
    { "aria-labelledby": "followers-title", "data-key": "followers" },
    h("h2", { id: "followers-title" }, t("creator.followers")),
    followers.length
      ? h("ul.request-list", {}, followers.map(followerView))
      : h("p.none", {}, t("creator.no_followers")),
  );
}

/** @param {Follower} follower */
function followerView({ id, account, tier_name: tier, until }) {
  return h(
    "li.request.follower",
    { "data-key": id },
    face(account, "small"),
    h(
      "span.follower-name",
      {},
      h("span", {}, account.name),
      h("span.quiet", {}, until ? `${tier}, ${t("creator.until", { time: timeText(until) })}` : tier),
    ),
    button("end-follow", t("creator.end"), {
      "data-subscription": id,
      "data-name": account.name,
      "aria-haspopup": "dialog",
      "aria-label": t("creator.end_label", { name: account.name }),
    }),
  );
}

/** Asks, then ends it at once. @param {import("./api.js").Api} api @param {HTMLElement} control */
export async function endFollow(api, { dataset: { subscription, name = "" } }) {
  const answer = await ask(t("creator.end_sure", { name }), [
    h("p", {}, t("creator.end_what")),
    h("div.row", {}, button("cancel", t("app.cancel")), button("end-now", t("creator.end_now"), { kind: "danger" })),
  ]);
  if (answer) await api.post(`/v1/subscriptions/${subscription}/cancel`, { at: "now" });
}
