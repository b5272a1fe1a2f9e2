/** Pieces that pages of communities share. */
import { h, icon } from "./dom.js";
import { t } from "./text.js";

/**
 * @typedef {"admin" | "moderator" | "member"} Office
 * @typedef {{id: string, creator: import("./client.js").Account, name: string, description: string, topics: string[],
 *   joining: "open" | "request" | "invite" | "tier", tier: string | null, rules: string, rules_version: number, members: number,
 *   created_at: string, closed_at: string | null,
 *   you: {member: boolean, role: Office | null, state: string | null, blocked: boolean,
 *     way: {step: "join" | "request" | "wait" | "invitation" | "subscribe" | "accept_rules", rules_version: number} | null}}} Community
 */

/** One in a list; its name leads there. @param {Community} community */
export const communityThing = (community) => h(
  "li.thing",
  { "data-key": community.id },
  h("span.thing-icon", {}, icon("people")),
  h(
    "div.thing-what",
    {},
    h("p.thing-name", {}, h("a", { href: `/c/${community.id}` }, community.name)),
    h("p.quiet", {}, [t("community.members", { count: community.members }), standing(community), ...community.topics].filter(Boolean).join(" · ")),
  ),
);

/** How one stands in it. @param {Community} community */
export function standing({ you, closed_at: closed }) {
  if (closed) return t("community.closed");
  if (you.blocked) return t("community.you.blocked");
  if (you.way?.step === "accept_rules") return t("community.you.rules");
  if (you.member) return t(`community.role.${you.role ?? "member"}`);
  return you.state === "requested" || you.state === "invited" ? t(`community.you.${you.state}`) : "";
}
