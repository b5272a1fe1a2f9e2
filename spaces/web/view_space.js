/** A Space in all its states. */
import { h, icon } from "./dom.js";
import { accessText, button, creatorLink, face, homeLink, isLocked, offerCard, stateMark } from "./parts.js";
import { firstOf, t, timeText } from "./text.js";
import { ticketOffer } from "./tickets.js";
import { dockView } from "./view_dock.js";

/** @typedef {import("./page_space.js").Model} Model */

/** Codes of an eviction because the same person came in elsewhere. */
const ELSEWHERE = ["displaced", "replaced"];

/** @param {Model} model */
export function spaceView(model) {
  const { space, client } = model;
  const over = space.state === "ended" || space.state === "cancelled";
  const refused = client.problem ?? (client.state === "idle" ? space.you?.problem : null);
  const locked = !over && refused && refused.code !== "not_live";
  return h(
    `div.page.space${locked || over ? ".shut" : ""}`,
    { "data-key": "space", "data-view": over ? space.state : locked ? client.state === "evicted" ? "evicted" : "locked" : space.state },
    headView(space),
    over ? overView(model) : locked ? lockedView(model, refused) : null,
    over ? null : h("div.room", {}, !locked && hostView(model), stageView(model)),
    !over && !locked && dockView(model),
  );
}

/** @param {import("./client.js").Space} space */
function headView(space) {
  return h(
    "div.space-head",
    {},
    h(
      "p.space-marks",
      {},
      stateMark(space),
      space.state === "live" && h("span.quiet", {}, t("space.listeners", { count: space.listeners })),
      space.state === "scheduled" && space.scheduled_start
        && h("span.quiet", {}, t("space.starts", { time: timeText(space.scheduled_start) })),
      h("span.lock.quiet", {}, isLocked(space) && icon("lock"), h("span", {}, accessText(space))),
    ),
    h("h1", { tabindex: "-1" }, space.title),
    h("p.space-by", {}, face(space.creator, "small"), h("span", {}, `${t("space.by")} `, creatorLink(space.creator))),
    space.topics.length > 0 && h("ul.topics", {}, space.topics.map((topic) => h("li", {}, topic))),
  );
}

/** @param {Model} model */
function stageView({ space, client }) {
  const me = client.you?.account?.id;
  const hosting = client.you?.role === "host" || client.you?.role === "cohost";
  return h(
    "section.stage",
    { "aria-labelledby": "stage-title", "data-key": "stage" },
    h("h2", { id: "stage-title" }, t("space.stage")),
    space.stage.length === 0
      ? h("p.none", {}, t("space.stage_empty"))
      : h("ul.people", {}, space.stage.map((member) => personView(member, member.account.id === me, hosting))),
  );
}

/** @param {import("./client.js").StageMember} member @param {boolean} isMe @param {boolean} hosting */
function personView({ account, role, muted, connected }, isMe, hosting) {
  const state = !connected ? "away" : muted ? "muted" : "";
  return h(
    `li.person${state && `.${state}`}`,
    { "data-key": account.id, "data-account": account.id },
    h("span.ring", {}, face(account, "stage-face"), muted && connected && h("span.badge", {}, icon("mic-off"))),
    h("span.person-name", {}, isMe ? t("person.you", { name: account.name }) : account.name),
    h("span.person-role", {}, t(`role.${role}`), state && ` · ${t(`person.${state}`)}`),
    hosting && !isMe && role !== "host" && h(
      "button.person-more",
      {
        type: "button",
        "data-action": "person",
        "data-account": account.id,
        "aria-haspopup": "dialog",
        "aria-label": t("person.actions", { name: account.name }),
      },
      icon("more"),
    ),
  );
}

/** What only hosts and co-hosts see. @param {Model} model */
function hostView({ client, space }) {
  const role = client.you?.role;
  if (space.state !== "live" || (role !== "host" && role !== "cohost")) return null;
  return h(
    `section.requests${client.hands.length ? "" : ".idle"}`,
    { "aria-labelledby": "requests-title", "data-key": "requests" },
    h("h2", { id: "requests-title" }, t("space.requests"), client.hands.length > 0 && h("span.number", {}, client.hands.length)),
    client.hands.length === 0
      ? h("p.none", {}, t("space.no_requests"))
      : h("ul.request-list", {}, client.hands.map(({ account }) => requestView(account))),
  );
}

/** @param {import("./client.js").Account} account */
function requestView(account) {
  const who = { "data-account": account.id };
  return h(
    "li.request",
    { "data-key": account.id },
    face(account, "small"),
    h("span.request-name", {}, account.name),
    button("decline", t("action.decline"), { ...who, "aria-label": t("action.decline_label", { name: account.name }) }),
    button("accept", t("action.accept"), {
      ...who,
      kind: "primary",
      "aria-label": t("action.accept_label", { name: account.name }),
    }),
  );
}

/** @param {Model} model */
function overView({ space }) {
  const { creator } = space;
  return h(
    "section.box",
    { "data-key": "over", role: "status" },
    h("h2", {}, t(`${space.state}.title`)),
    h("p", {}, t(`${space.state}.text`)),
    h(
      "p.row",
      {},
      creator.handle && h("a.button.primary", { href: `/@${creator.handle}` }, t("ended.more", { creator: creator.name })),
      homeLink(),
    ),
  );
}

/** The shut door: why, and the way in. @param {Model} model @param {import("./client.js").Problem} problem */
function lockedView(model, problem) {
  const { space, client, me, busy } = model;
  const evicted = client.state === "evicted";
  const elsewhere = ELSEWHERE.includes(problem.code);
  const open = space.you?.admitted && !elsewhere; // paid meanwhile, or invited
  const offers = open ? [] : (problem.offers ?? []);
  const ticket = open ? null : space.you?.problem?.ticket ?? problem.ticket;
  const signedOut = !me && problem.status === 401;
  return h(
    `section.box.locked${evicted ? ".evicted" : ""}`,
    { "data-key": "locked", "data-code": problem.code, role: evicted ? "alert" : undefined },
    h("span.box-icon", {}, icon(ticket && !offers.length ? "ticket" : "lock")),
    h("h2", {}, lockedTitle(space, evicted, offers.length > 0, Boolean(ticket))),
    h("p", {}, open ? t("locked.open") : reasonText(model, problem, offers.length > 0, ticket ?? null)),
    signedOut && button("sign-in", t("account.sign_in"), { kind: "primary big" }),
    (offers.length > 0 || ticket) && h(
      "ul.offers",
      {},
      ticket && ticketOffer(model, ticket, signedOut),
      offers.map((offer) => offerCard({ ...offer, busy: busy === offer.tier })),
    ),
    elsewhere && button("listen", t("action.listen_here"), { kind: "primary big", icon: "listen" }),
    open && button("listen", t("action.come_in"), { kind: "primary big", icon: "listen" }),
    client.state === "denied" && !open && !offers.length && !ticket && !signedOut
      && button("listen", t("action.enter_again"), { kind: "big" }),
  );
}

/**
 * @param {Model} model @param {import("./client.js").Problem} problem
 * @param {boolean} tiers whether any is on sale @param {import("./tickets.js").TicketWay | null} ticket
 */
function reasonText({ space, client, me, tickets }, problem, tiers, ticket) {
  const values = { creator: space.creator.name };
  const onSale = ticket?.sale === "on_sale";
  if (client.state === "evicted") return firstOf([`evicted.${problem.code}`, "evicted.other"], values);
  if (tickets?.mine?.state === "reserved") return t("locked.reserved");
  if (!me && problem.status === 401) {
    return t(ticket ? "locked.not_signed_in_ticket" : tiers ? "locked.not_signed_in_offers" : "locked.not_signed_in", values);
  }
  if (tiers && onSale) return t("locked.either", values);
  if (ticket && !tiers && !onSale) return t(`locked.ticket.${ticket.sale}`, values);
  return firstOf([`locked.${problem.code}`, "locked.other"], values);
}

/** @param {import("./client.js").Space} space @param {boolean} evicted @param {boolean} tiers @param {boolean} ticket */
function lockedTitle(space, evicted, tiers, ticket) {
  if (evicted) return t("evicted.title");
  if (tiers && ticket) return t("locked.both_title");
  if (tiers) return t("locked.title");
  if (ticket) return t("locked.ticket_title");
  return space.access.some(({ policy }) => policy === "members") ? t("locked.members_title") : accessText(space);
}
