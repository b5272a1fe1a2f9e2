/** Who pays a creator, as only the creator sees it, and the way to end it. */
import { ask } from "./dialogs.js";
import { h } from "./dom.js";
import { refusal } from "./forms.js";
import { PagedList } from "./pages_of_lists.js";
import { button, face } from "./parts.js";
import { t, timeText } from "./text.js";

/** @typedef {{id: string, status: string, ended_at: string | null, account: import("./client.js").Account, tier_name: string, until: string | null}} Follower */

/** Those whose subscription opens a door now. @param {import("./parts_page.js").PartOf} part @param {string} handle @returns {import("./parts_page.js").Part} */
export function followersPart({ api, acts, load: loadAll }, handle) {
  /** @type {PagedList<Follower>} */
  const followers = new PagedList({
    api, acts, path: `/v1/creators/${handle}/subscriptions`, what: "subscriptions", keep: (one) => !one.ended_at && one.status !== "incomplete",
  });
  return {
    load: () => followers.load(),
    view: () => h(
      "section.panel",
      { "aria-labelledby": "followers-title", "data-key": "followers" },
      h("h2", { id: "followers-title" }, t("creator.followers")),
      refusal(acts, "end-follow"),
      followers.empty ? h("p.none", {}, t("creator.no_followers")) : followers.view(followerView, "ul.request-list"),
    ),
    actions: {
      ...followers.actions,
      "end-follow": async ({ dataset: { subscription, name = "" } }) => {
        if (!await sure(name)) return;
        await acts.run("end-follow", async () => {
          await api.post(`/v1/subscriptions/${subscription}/cancel`, { at: "now" });
          await loadAll();
        });
      },
    },
  };
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

/** @param {string} name */
const sure = (name) => ask(t("creator.end_sure", { name }), [
  h("p", {}, t("creator.end_what")),
  h("div.row", {}, button("cancel", t("app.cancel")), button("end-now", t("creator.end_now"), { kind: "danger" })),
]);
