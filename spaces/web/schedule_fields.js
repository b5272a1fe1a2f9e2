/** When a Space begins, by the clock of a place: the fields, and what they mean, which the server knows. */
import { h } from "./dom.js";
import { field } from "./forms.js";
import { fullTimeText, t } from "./text.js";
import { offsetText } from "./text_rare.js";

/** How long after a key what was typed is looked at, in milliseconds. */
const SETTLED = 250;
const HERE = Intl.DateTimeFormat().resolvedOptions().timeZone;

export class ScheduleFields {
  /** @type {() => void} Draws the form that these fields are in. */
  draw = () => {};
  /** Whether anything was typed. */
  changed = false;
  /** @type {string[]} what the local time means: usually one moment, twice a year two or none */
  #moments = [];
  /** @type {string | null} the next time that there is, if what was typed is none */
  #afterGap = null;
  #chosen = 0;
  #timer = 0;
  #asked = "";

  /** @param {import("./api.js").Api} api @param {{start?: string | null, zone?: string | null}} [now] as it is planned */
  constructor(api, { start = null, zone = null } = {}) {
    this.api = api;
    this.zone = zone ?? HERE;
    this.local = start ? localIn(start, this.zone) : "";
    if (start) this.#moments = [start];
  }

  actions = {
    start: (/** @type {HTMLElement} */ control) => this.#typed({ local: value(control) }),
    zone: (/** @type {HTMLElement} */ control) => this.#typed({ zone: value(control) }),
    which: (/** @type {HTMLElement} */ control) => {
      this.#chosen = Number(value(control));
      this.changed = true;
      this.draw();
    },
  };

  /** As the API takes it. An instant where the clock's time would be two; else what was typed. */
  body() {
    if (!this.local) return {};
    if (this.#moments.length > 1) return { scheduled_start: this.#moments[this.#chosen], time_zone: this.zone };
    return { local_start: withSeconds(this.local), time_zone: this.zone };
  }

  /** @param {(field: string) => string} trouble @returns {(Node | false | null)[]} */
  view(trouble) {
    return [
      h(
        "div.field-pair.schedule",
        { "data-key": "schedule" },
        field("start", t("studio.start"), {
          type: "datetime-local",
          value: this.local,
          "data-action": "start",
          hint: this.local ? "" : t("studio.start_hint"),
          trouble: trouble("scheduled_start") || trouble("local_start"),
        }),
        field("zone", t("schedule.zone"), {
          choices: zones(this.zone).map((zone) => /** @type {[string, string]} */ ([zone, zone.replaceAll("_", " ")])),
          value: this.zone,
          "data-action": "zone",
          trouble: trouble("time_zone"),
        }),
      ),
      this.#moments.length > 1 && field("which", t("schedule.which"), {
        choices: this.#moments.map((moment, n) => /** @type {[string, string]} */ (
          [String(n), t(n ? "schedule.later" : "schedule.earlier", { offset: offsetText(moment, this.zone) })])),
        value: String(this.#chosen),
        "data-action": "which",
      }),
      h("p.preview", { "data-key": "preview", role: "status" }, this.#preview()),
    ];
  }

  #preview() {
    if (!this.local) return "";
    if (this.#afterGap) return t("schedule.gap", { zone: this.zone, time: this.#afterGap.slice(11, 16) });
    const moment = this.#moments[this.#moments.length > 1 ? this.#chosen : 0];
    if (!moment) return "";
    const there = fullTimeText(moment, this.zone);
    const here = fullTimeText(moment);
    return there === here ? t("schedule.starts", { time: there }) : t("schedule.starts_both", { there, here });
  }

  /** @param {{local?: string, zone?: string}} what */
  #typed(what) {
    Object.assign(this, what);
    this.changed = true;
    this.#moments = [];
    this.#afterGap = null;
    this.#chosen = 0;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ask(), SETTLED);
    this.draw();
  }

  async #ask() {
    if (!this.local) return;
    const asked = `time_zone=${encodeURIComponent(this.zone)}&at=${withSeconds(this.local)}`;
    this.#asked = asked;
    try {
      const { moments, after_gap: afterGap } = await this.api.get(`/v1/local-time?${asked}`);
      if (this.#asked !== asked) return; // more was typed meanwhile
      this.#moments = moments;
      this.#afterGap = afterGap;
      this.draw();
    } catch {
      // no preview: sending the form tells what is wrong
    }
  }
}

/** @param {HTMLElement} control */
const value = (control) => /** @type {HTMLInputElement} */ (control).value;

/** `datetime-local` leaves seconds out. @param {string} local */
const withSeconds = (local) => (local.length === 16 ? `${local}:00` : local);

/** All that this browser knows, and the one that is set. @param {string} zone */
function zones(zone) {
  const known = Intl.supportedValuesOf?.("timeZone") ?? [];
  return [...new Set(["UTC", HERE, zone, ...known])].sort();
}

/** `2026-12-05T20:00`, by that place's clock. @param {string} rfc3339 @param {string} zone */
function localIn(rfc3339, zone) {
  const format = new Intl.DateTimeFormat("sv-SE", {
    timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit",
  });
  return format.format(new Date(rfc3339)).replace(" ", "T");
}
