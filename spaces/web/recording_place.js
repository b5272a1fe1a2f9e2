/** The place of recording, and of consent to it: today it says that there is none. */
import { h } from "./dom.js";
import { t } from "./text.js";

/** Among a Space's settings, where it will be switched on. */
export const recordingPlace = () => h(
  "div.field",
  { role: "group", "aria-labelledby": "recording-title", "data-key": "recording" },
  h("p.field-name", { id: "recording-title" }, t("recording.title")),
  h("p", {}, t("recording.off")),
  h("p.hint", {}, t("recording.later")),
);

/** Before one is heard, where consent will be asked for. */
export const recordingConsent = () => h("p.hint", { "data-key": "recording" }, t("recording.consent"));
