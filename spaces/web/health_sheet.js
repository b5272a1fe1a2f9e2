/** How well every speaker is heard, in words: for hosts, who could not know otherwise whose network it is. */
import { openSheet } from "./dialogs.js";
import { h } from "./dom.js";
import { face } from "./parts.js";
import { t } from "./text.js";
import { percentText } from "./text_rare.js";

/** How often it is looked at while it is open, in milliseconds. */
const EVERY = 2_000;
/** From here on a loss is heard in spite of what repairs it; from there on words get lost. Shares of the packets. */
const [LOSS_HEARD, LOSS_BAD] = [0.03, 0.1];
/** And so with jitter, in seconds, and the way there and back. */
const [JITTER_HEARD, JITTER_BAD] = [0.03, 0.08];
const [ROUND_TRIP_HEARD, ROUND_TRIP_BAD] = [0.3, 0.6];
/** Who speaks softer than this is hard to level, in dBFS. */
const SOFT = -45;

/**
 * @typedef {{account: import("./client.js").Account, connected: boolean, muted: boolean, loss: number | null, jitter: number | null,
 *   round_trip: number | null, heard_loss: number | null, level: number | null}} Health
 */

/** @param {import("./api.js").Api} api @param {string} space */
export async function healthSheet(api, space) {
  /** @type {Health[] | null} */
  let speakers = null;
  const sheet = openSheet(t("health.title"), () => [
    h("p.quiet", {}, t("health.how")),
    speakers === null
      ? h("p.none", { role: "status" }, t("app.loading"))
      : h("ul.person-list", {}, speakers.map(speakerView)),
  ], {});
  const load = async () => {
    ({ speakers } = await api.get(`/v1/spaces/${space}/health`));
    sheet.draw();
  };
  const timer = setInterval(() => load().catch(() => {}), EVERY); // the next look may succeed
  sheet.closed.then(() => clearInterval(timer));
  try {
    await load();
  } catch (error) {
    sheet.close();
    throw error;
  }
}

/** @param {Health} health */
function speakerView(health) {
  const verdict = verdictOf(health);
  return h(
    "li.person-row",
    { "data-key": health.account.id, "data-health": verdict },
    face(health.account, "small"),
    h(
      "span.person-row-name",
      {},
      health.account.name,
      h("span.quiet", {}, [t(`health.is.${verdict}`), ...troubles(health)].join(" ")),
      h("span.quiet.figures", {}, figures(health)),
    ),
    h(`span.dot.health-${verdict}`, { "aria-hidden": "true" }),
  );
}

/** In one word. @param {Health} health @returns {"away" | "unknown" | "good" | "fair" | "bad"} */
export function verdictOf({ connected, loss, jitter, round_trip: roundTrip }) {
  if (!connected) return "away";
  if (loss === null) return "unknown";
  if (loss >= LOSS_BAD || (jitter ?? 0) >= JITTER_BAD || (roundTrip ?? 0) >= ROUND_TRIP_BAD) return "bad";
  return loss >= LOSS_HEARD || (jitter ?? 0) >= JITTER_HEARD || (roundTrip ?? 0) >= ROUND_TRIP_HEARD ? "fair" : "good";
}

/** What of it, and what helps. @param {Health} health */
function troubles({ connected, muted, loss, jitter, round_trip: roundTrip, heard_loss: heardLoss, level }) {
  if (!connected) return [];
  return [
    (loss ?? 0) >= LOSS_HEARD && t("health.loss"),
    (jitter ?? 0) >= JITTER_HEARD && t("health.jitter"),
    (roundTrip ?? 0) >= ROUND_TRIP_HEARD && t("health.round_trip"),
    (heardLoss ?? 0) >= LOSS_HEARD && t("health.heard_loss"),
    !muted && level !== null && level < SOFT && t("health.soft"),
    muted && t("health.muted"),
  ].filter((one) => one !== false);
}

/** @param {Health} health */
function figures({ connected, loss, jitter, round_trip: roundTrip, level }) {
  if (!connected) return "";
  const milliseconds = (/** @type {number} */ seconds) => Math.round(seconds * 1_000);
  return [
    loss !== null && t("health.figure.loss", { share: percentText(loss) }),
    jitter !== null && t("health.figure.jitter", { ms: milliseconds(jitter) }),
    roundTrip !== null && t("health.figure.round_trip", { ms: milliseconds(roundTrip) }),
    level !== null && t("health.figure.level", { db: Math.round(level) }),
  ].filter(Boolean).join(" · ");
}
