/** Who is on stage, who speaks there, and what may be done with each of them; above it what one is to know or to answer now. */
import { h, icon } from "./dom.js";
import { button, face } from "./parts.js";
import { stageOf } from "./space_parts.js";
import { clockText, t } from "./text.js";

/** @param {import("./page_space.js").Model} model */
export function stageView({ space, client }) {
  const mine = client.you?.account?.id;
  const menus = mine !== undefined && client.state !== "idle" && client.problem === null; // who is in, and known
  return h(
    "section.stage",
    { "aria-labelledby": "stage-title", "data-key": "stage" },
    h("h2", { id: "stage-title" }, t("space.stage")),
    space.stage.length === 0
      ? h("p.none", {}, t("space.stage_empty"))
      : h("ul.people", {}, space.stage.map((member) => personView(member, member.account.id === mine, menus))),
  );
}

/** @param {import("./client.js").StageMember} member @param {boolean} isMe @param {boolean} menus */
function personView({ account, role, muted, connected }, isMe, menus) {
  const state = !connected ? "away" : muted ? "muted" : "";
  const words = [t(`role.${role}`), account.guest && t("person.guest"), state && t(`person.${state}`)];
  return h(
    `li.person${state && `.${state}`}`,
    { "data-key": account.id, "data-account": account.id },
    h("span.ring", {}, face(account, "stage-face"), muted && connected && h("span.badge", {}, icon("mic-off"))),
    h("span.person-name", {}, isMe ? t("person.you", { name: account.name }) : account.name),
    h("span.person-role", {}, words.filter(Boolean).join(" · ")),
    menus && !isMe && personButton(account),
  );
}

/** Opens the menu of what may be done with somebody. @param {import("./client.js").Account} account */
export const personButton = (account) =>
  h(
    "button.person-more",
    {
      type: "button",
      "data-action": "person",
      "data-account": account.id,
      "data-key": "more",
      "aria-haspopup": "menu",
      "aria-label": t("person.actions", { name: account.name }),
    },
    icon("more"),
  );

/** @param {import("./page_space.js").Model} model */
export function bannersView(model) {
  const { client, space } = model;
  const invitation = client.you?.invitation;
  const banners = [
    invitation && invitationView(invitation),
    space.closing_at && space.state === "live" && closingView(space.closing_at, client.hosting),
    ...(stageOf(model)?.banners() ?? []),
  ].filter(Boolean);
  return banners.length ? h("div.banners", { "data-key": "banners" }, banners) : null;
}

/** @param {import("./client.js").Invitation} invitation */
function invitationView({ by, role }) {
  return h(
    "section.banner",
    { "data-key": "invitation", "data-banner": "invitation", "aria-labelledby": "invitation-title" },
    icon("mic"),
    h(
      "div.banner-text",
      {},
      h("p", { id: "invitation-title", role: "alert" }, h("strong", {}, t(`banner.invited.${role}`, { name: by.name }))),
      h("p.quiet", {}, t("banner.invited_how")),
    ),
    h(
      "div.banner-acts",
      {},
      button("invitation-decline", t("action.decline"), { "aria-label": t("banner.decline_label") }),
      button("invitation-accept", t("action.go_on_stage"), { kind: "primary" }),
    ),
  );
}

/** @param {string} at @param {boolean | undefined} hosting */
function closingView(at, hosting) {
  const left = Math.max(0, Math.round((Date.parse(at) - Date.now()) / 1_000));
  // A timer is read when one asks for it, not every second.
  return banner("closing", "clock", t("banner.closing"), t(hosting ? "banner.closing_yours" : "banner.closing_how"),
    h("span.countdown", { role: "timer", "aria-label": t("banner.left") }, clockText(left)));
}

/** @param {string} name @param {string} sign @param {string} title @param {string} text @param {...Node} more */
export function banner(name, sign, title, text, ...more) {
  return h(
    "section.banner",
    { "data-key": name, "data-banner": name, "aria-label": title },
    icon(sign),
    h("div.banner-text", {}, h("p", { role: "status" }, h("strong", {}, title)), h("p.quiet", {}, text)),
    more,
  );
}
