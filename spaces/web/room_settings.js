/** What a host sets while the Space goes on: who may ask to speak and write, how often, captions, and how many come in. */
import { accessChoices, choiceOf, loadAccess, policiesOf } from "./access_choices.js";
import { Acts } from "./acts.js";
import { openSheet, toast } from "./dialogs.js";
import { field, form, typed } from "./forms.js";
import { accessText } from "./parts.js";
import { recordingPlace } from "./recording_place.js";
import { t } from "./text.js";

const ASKING = /** @type {const} */ (["everyone", "subscribers", "nobody"]);
const SECONDS = [0, 30, 60, 300, 600];
const CHAT = /** @type {const} */ (["everyone", "subscribers", "off"]);
const CHAT_SECONDS = [0, 5, 10, 30, 60];
const CAPTIONS = /** @type {const} */ (["speakers", "server", "off"]);

/** @param {import("./api.js").Api} api @param {import("./client.js").Space} space @param {boolean} isHost */
export async function settingsSheet(api, space, isHost) {
  const { asking = "everyone", asking_seconds: now = 0, chat, chat_seconds: chatNow = 0, captions, capacity } = space;
  const handle = isHost ? space.creator.handle : null;
  const there = handle ? await loadAccess(api, handle) : null;
  const entry = choiceOf(space.access);
  const acts = new Acts(() => sheet.draw());
  const sheet = openSheet(t("room.settings"), () =>
    form("settings", acts, t("app.save"), (trouble) => [
      field("asking", t("settings.asking"), {
        choices: ASKING.map((who) => [who, t(`settings.asking.${who}`)]),
        value: asking,
        trouble: trouble("asking"),
      }),
      field("asking-seconds", t("settings.slow"), {
        name: "asking_seconds",
        choices: choicesOf(SECONDS, now, (count) => (count ? t("settings.slow_seconds", { count }) : t("settings.slow_off"))),
        value: String(now),
        hint: t("settings.slow_hint"),
        trouble: trouble("asking_seconds"),
      }),
      field("chat", t("settings.chat"), {
        choices: CHAT.map((who) => [who, t(`settings.chat.${who}`)]),
        value: chat,
        trouble: trouble("chat"),
      }),
      field("chat-seconds", t("settings.chat_slow"), {
        name: "chat_seconds",
        choices: choicesOf(CHAT_SECONDS, chatNow, (count) => (count ? t("settings.chat_seconds", { count }) : t("settings.chat_slow_off"))),
        value: String(chatNow),
        trouble: trouble("chat_seconds"),
      }),
      field("captions", t("settings.captions"), {
        choices: CAPTIONS.map((from) => [from, t(`settings.captions.${from}`)]),
        value: captions,
        trouble: trouble("captions"),
      }),
      there && field("access", t("studio.access"), {
        choices: withNow(accessChoices(there), entry, accessText(space)),
        value: entry,
        hint: t("settings.access_hint"),
        trouble: trouble("access"),
      }),
      isHost && field("capacity", t("settings.capacity"), {
        type: "number",
        min: 1,
        value: capacity ? String(capacity) : "",
        hint: t("settings.capacity_hint"),
        trouble: trouble("capacity"),
      }),
      recordingPlace(),
    ]), {
    settings: async (control) => {
      const { asking: who, asking_seconds: wait, chat: writers, chat_seconds: pause, captions: from, capacity: most, access } = typed(control);
      const seats = isHost ? { capacity: Number(most || 0), ...(access && access !== entry && { access: policiesOf(access) }) } : {};
      const saved = await acts.run("settings", () =>
        api.patch(`/v1/spaces/${space.id}`, {
          asking: who,
          asking_seconds: Number(wait),
          chat: writers,
          chat_seconds: Number(pause),
          captions: from,
          ...seats,
        }));
      if (!saved) return;
      sheet.close();
      toast(t("app.saved"));
    },
  });
}

/** With what is set now, if it is none of the usual. @param {[string, string][]} choices @param {string} now @param {string} words */
const withNow = (choices, now, words) => (choices.some(([choice]) => choice === now) ? choices : [/** @type {[string, string]} */ ([now, words]), ...choices]);

/**
 * How long to wait, with what is set now among the usual.
 *
 * @param {number[]} usual @param {number} now @param {(seconds: number) => string} words @returns {[string, string][]}
 */
function choicesOf(usual, now, words) {
  const seconds = [...new Set([...usual, now])].sort((one, other) => one - other);
  return seconds.map((count) => [String(count), words(count)]);
}
