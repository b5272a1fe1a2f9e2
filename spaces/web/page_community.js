/** A community: what it is, its rules, its Spaces, who is in it; joining and leaving it; and governing it. */
import { Acts } from "./acts.js";
import { card } from "./cards.js";
import { governActions, governView } from "./community_govern.js";
import { membersActions, membersView } from "./community_members.js";
import { standing } from "./community_parts.js";
import { ask } from "./dialogs.js";
import { h, listen, show } from "./dom.js";
import { actButton, refusal } from "./forms.js";
import { button, creatorLink, face, loadingView, topicLink } from "./parts.js";
import { t } from "./text.js";

/** How often it is looked at again, in milliseconds. */
const REFRESH_EVERY = 15_000;

/**
 * @typedef {import("./community_parts.js").Community} Community
 * @typedef {{account: import("./client.js").Account, role: import("./community_parts.js").Office, state: string, since: string}} Member
 *
 * What the page is made from.
 *
 * @typedef {object} Known
 * @property {Community} community
 * @property {import("./client.js").Space[]} spaces
 * @property {Member[] | null} members null: for members only
 * @property {Member[]} requests those who wait; moderators only
 * @property {import("./page_creator.js").Tier[]} tiers of its creator; admins only
 */

/** @param {import("./app.js").Page} page @param {string} id */
export async function communityPage({ main, api, me, signIn, repeat }, id) {
  const path = `/v1/communities/${id}`;
  /** @type {Known | null} */
  let known = null;
  const draw = () => known && show(main, communityView(known, acts, me));
  const acts = new Acts(draw);

  async function load() {
    const [community, { spaces }] = await Promise.all([api.get(path), api.get(`${path}/spaces`)]);
    const { member, role } = /** @type {Community} */ (community).you;
    const governs = role === "admin" || role === "moderator";
    const [members, requests, creator] = await Promise.all([
      member ? api.get(`${path}/members`) : null,
      governs ? api.get(`${path}/members?state=requested`) : { members: [] },
      role === "admin" && community.creator.handle ? api.get(`/v1/creators/${community.creator.handle}`) : { tiers: [] },
    ]);
    known = { community, spaces, members: members?.members ?? null, requests: requests.members, tiers: creator.tiers };
    document.title = t("app.title", { title: community.name });
    draw();
  }

  show(main, loadingView());
  listen(main, {
    join: () => {
      if (!me) return signIn();
      return acts.run("join", async () => {
        await api.post(`${path}/join`, { rules_version: known?.community.rules_version });
        await load();
      });
    },
    "leave-community": async () => {
      if (known?.community.you.member && !(await sure(known.community))) return;
      await acts.run("leave-community", async () => {
        await api.post(`${path}/leave`);
        await load();
      });
    },
    ...membersActions(path, api, acts, load),
    ...governActions(path, api, acts, load),
  });
  await repeat(REFRESH_EVERY, async () => {
    if (!acts.busy) await load();
  });
}

/** @param {Community} community */
async function sure({ name }) {
  const answer = await ask(t("community.leave_sure", { name }), [
    h("p", {}, t("community.leave_what")),
    h("div.row", {}, button("cancel", t("app.cancel")), button("yes", t("community.leave"), { kind: "danger" })),
  ]);
  return answer !== null;
}

/** @param {Known} known @param {Acts} acts @param {import("./app.js").Me | null} me */
function communityView(known, acts, me) {
  const { community, spaces } = known;
  const { creator, name, description, topics, rules, members, closed_at: closed } = community;
  const status = standing(community);
  return h(
    "div.page.account-page",
    { "data-key": "community" },
    h(
      "div.space-head",
      {},
      h("p.space-marks", {}, h("span.mark", {}, t("community.one")), h("span.quiet", {}, t("community.members", { count: members })), status && h("span.quiet", {}, status)),
      h("h1", { tabindex: "-1" }, name),
      h("p.space-by", {}, face(creator, "small"), h("span", {}, `${t("community.by")} `, creatorLink(creator))),
      description && h("p.lead.said", { dir: "auto" }, description),
      topics.length > 0 && h("ul.topics", {}, topics.map((topic) => h("li", {}, topicLink(topic)))),
    ),
    refusal(acts, "join", "leave-community"),
    closed ? h("p.notice", {}, t("community.closed_what")) : joinView(community, acts, me !== null),
    h(
      "section.panel",
      { "aria-labelledby": "community-spaces" },
      h("h2", { id: "community-spaces" }, t("community.spaces")),
      spaces.length ? h("ul.cards", {}, spaces.map(card)) : h("p.none", {}, t("creator.no_spaces")),
    ),
    h(
      "section.panel",
      { "aria-labelledby": "community-rules-title" },
      h("h2", { id: "community-rules-title" }, t("community.rules")),
      h("p.said", { dir: "auto" }, rules),
    ),
    membersView(known, acts, me?.id),
    governView(known, acts),
  );
}

/** What is next for whoever looks at it. @param {Community} community @param {Acts} acts @param {boolean} signedIn */
function joinView({ you, joining, creator }, acts, signedIn) {
  if (you.blocked) return h("p.notice", {}, t("community.you.blocked"));
  const leave = (/** @type {string} */ text) => actButton(acts, "leave-community", "leave-community", text, { "data-key": "leave" });
  const step = you.way?.step ?? (you.member ? null : signedIn ? null : joining === "request" ? "request" : "join");
  if (step === "subscribe") {
    return h("div.row.start", {}, h("p", {}, t("community.tier_only")), creator.handle && h("a.button.primary", { href: `/@${creator.handle}` }, t("community.see_tiers")));
  }
  if (step === "invitation") return h("p.quiet", {}, t("community.invite_only"));
  if (step === "wait") return h("div.row.start", {}, h("p", {}, t("community.you.requested")), leave(t("community.withdraw")));
  return h(
    "div.row.start",
    { "data-key": "join" },
    step && h("p.quiet", {}, t(step === "accept_rules" ? "community.rules_changed" : "community.join_how")),
    step && actButton(acts, "join", "join", t(`community.step.${step}`), { kind: "primary", "data-key": "step" }),
    you.state === "invited" && !you.member && leave(t("community.decline")),
    you.member && leave(t("community.leave")),
  );
}
