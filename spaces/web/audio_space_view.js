/** What `<audio-space>` shows, made from what is known. */
import { h } from "./dom.js";

/**
 * @typedef {object} EmbedModel
 * @property {(key: string, values?: Record<string, string | number>) => string} t
 * @property {import("./client_types.js").Space | null} space
 * @property {import("./client.js").SpaceClient} client
 * @property {import("./client_types.js").Problem | null} problem Why the Space could not be looked at.
 * @property {string} notice What to say about the last thing that was tried, as a key of messages; or empty.
 * @property {boolean} asking
 * @property {string} page The Space's own page.
 * @property {string} language
 */

const BEFORE = ["idle", "joined", "denied", "evicted", "ended", "closed"];

/** @param {EmbedModel} model */
export function embedView(model) {
  const { space, t } = model;
  if (!space) return missingView(model);
  return h(
    "section.box",
    { "aria-label": t("embed.label", { title: space.title }) },
    h(
      "p.head",
      {},
      h(`span.mark.${space.state}`, {}, t(`embed.state.${space.state}`)),
      space.state === "live" && h("span", {}, t("embed.listeners", { count: space.listeners })),
    ),
    h("p.title", {}, h("a", { href: model.page, target: "_blank", rel: "noopener" }, space.title)),
    h("p.by", {}, t("embed.by", { name: space.creator.name })),
    insideOrDoor(model, space),
  );
}

/** @param {EmbedModel} model */
function missingView({ problem, t }) {
  if (!problem) return h("section.box", { "aria-busy": "true" }, h("p.status", { role: "status", "data-key": "status" }, t("embed.loading")));
  return h(
    "section.box",
    {},
    h("p.status", { role: "status", "data-key": "status" }, t(problem.status === 404 ? "embed.missing" : "embed.unreachable")),
    h("p.controls", {}, control("again", t("embed.again"))),
  );
}

/** @param {EmbedModel} model @param {import("./client_types.js").Space} space */
function insideOrDoor(model, space) {
  const { client, t } = model;
  const refused = client.problem ?? (BEFORE.includes(client.state) ? space.you?.problem : null);
  if (space.state === "ended" || space.state === "cancelled") return status(t(`embed.over.${space.state}`));
  if (refused && refused.code !== "not_live") {
    return [
      status(t(refused.status === 401 || refused.status === 402 ? "embed.locked" : "embed.refused")),
      h("p.controls", {}, h("a.button.primary", { href: model.page, target: "_blank", rel: "noopener" }, t("embed.how"))),
    ];
  }
  return [
    space.stage.length > 0 && h("ul.stage", { "aria-label": t("embed.stage") }, space.stage.map((member) => personView(member, t))),
    status(statusText(model, space)),
    model.notice && h("p.notice", { role: "alert" }, t(model.notice)),
    space.state === "live" && h("div.controls", { "data-key": "controls" }, BEFORE.includes(client.state) ? control("listen", t("embed.listen"), "primary") : insideView(model)),
  ];
}

/** @param {string} text */
const status = (text) => h("p.status", { role: "status", "data-key": "status" }, text);

/** @param {import("./client_types.js").StageMember} member @param {EmbedModel["t"]} t */
function personView({ account, role, muted }, t) {
  return h(
    "li.person",
    { "data-account": account.id, "data-key": account.id },
    h("span.name", {}, account.name),
    h("span.quiet", {}, [t(`embed.role.${role}`), muted && t("embed.is_muted")].filter(Boolean).join(", ")),
  );
}

/** @param {EmbedModel} model @param {import("./client_types.js").Space} space */
function statusText({ client, t, language, asking }, space) {
  if (client.blocked) return t("embed.blocked");
  if (space.state === "scheduled") {
    const at = space.scheduled_start;
    return at ? t("embed.starts", { time: new Date(at).toLocaleString(language, { dateStyle: "medium", timeStyle: "short" }) }) : t("embed.planned");
  }
  if (BEFORE.includes(client.state)) return t("embed.ready");
  if (client.state !== "listening") return t(client.state === "reconnecting" ? "embed.reconnecting" : "embed.connecting");
  if (client.onStage) return t(!client.speaking ? "embed.on_stage_silent" : client.muted ? "embed.on_stage_muted" : "embed.on_stage");
  return t(client.handRaised || asking ? "embed.asked" : "embed.listening");
}

/** @param {EmbedModel} model */
function insideView({ client, t }) {
  return [
    client.blocked && control("listen", t("embed.tap"), "primary"),
    client.state === "listening" && (client.onStage ? stageControls(client, t) : audienceControls(client, t)),
    control("leave", t("embed.leave")),
    h(
      "label.volume",
      { "data-key": "volume" },
      h("span", {}, t("embed.volume")),
      h("input", { type: "range", min: "0", max: "1", step: "0.05", value: client.volume, "data-action": "volume" }),
    ),
  ];
}

/** @param {import("./client.js").SpaceClient} client @param {EmbedModel["t"]} t */
const stageControls = (client, t) => [
  client.speaking
    ? control("mute", t(client.muted ? "embed.unmute" : "embed.mute"), client.muted ? "" : "primary")
    : control("microphone", t("embed.microphone"), "primary"),
  client.you?.role !== "host" && control("step-down", t("embed.step_down")),
];

/** @param {import("./client.js").SpaceClient} client @param {EmbedModel["t"]} t */
function audienceControls(client, t) {
  if (client.you?.invitation) return [control("invitation-accept", t("embed.accept"), "primary"), control("invitation-decline", t("embed.decline"))];
  if (!client.you?.account || client.space?.asking === "nobody") return null;
  return client.handRaised ? control("withdraw", t("embed.withdraw")) : control("ask", t("embed.ask"));
}

/** @param {string} action @param {string} text @param {string} [kind] */
const control = (action, text, kind = "") =>
  h("button", { type: "button", class: kind || null, "data-action": action, "data-key": action }, text);
