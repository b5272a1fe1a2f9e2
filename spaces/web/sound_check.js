/** The green room of one's own sound: which microphone, does it hear anything, and how does one sound. */
import { openSheet } from "./dialogs.js";
import { h } from "./dom.js";
import { field } from "./forms.js";
import { LevelMeter } from "./level_meter.js";
import { PROCESSING, chooseMicrophone, chooseProcessing, chosenMicrophone, microphones, openMicrophone, processing } from "./microphone.js";
import { button } from "./parts.js";
import { recordingConsent } from "./recording_place.js";
import { t } from "./text.js";
import { microphoneText } from "./view_speaking.js";

/** How much one hears of oneself, in seconds. */
const SECONDS = 4;
/** From this loudness on somebody speaks, in dBFS; below SILENT the meter is empty. */
const [SPEECH, SILENT, LOUD] = [-45, -60, -6];

/** While it is on, with another microphone if one likes. @param {import("./client.js").SpaceClient} client */
export async function changeMicrophone(client) {
  const done = await soundCheck(t("sound.use"));
  if (done && client.speaking) await client.speak({ deviceId: chosenMicrophone(), ...processing() });
}

/**
 * Opens the microphone that was used last, or another; what is chosen is kept for the next time.
 *
 * @param {string} confirm what the button says that ends it well
 * @returns {Promise<boolean>} whether that was pressed
 */
export async function soundCheck(confirm) {
  const check = new SoundCheck(() => sheet.draw());
  let done = false;
  const sheet = openSheet(t("sound.title"), () => soundView(check, confirm), {
    device: (control) => check.open(/** @type {HTMLSelectElement} */ (control).value),
    again: () => check.open(),
    record: () => check.hearOneself(),
    process: (control) => {
      const { value, checked } = /** @type {HTMLInputElement} */ (control);
      chooseProcessing(value, checked);
      return check.open(check.deviceId);
    },
    done: () => {
      done = true;
      sheet.close();
    },
  });
  check.drawLevel = (level) => drawLevel(sheet.dialog, level);
  const again = async () => {
    check.devices = await microphones();
    sheet.draw();
  };
  navigator.mediaDevices?.addEventListener?.("devicechange", again);
  await check.open(chosenMicrophone());
  await sheet.closed;
  navigator.mediaDevices?.removeEventListener?.("devicechange", again);
  check.close();
  if (done && check.deviceId) chooseMicrophone(check.deviceId);
  return done;
}

class SoundCheck {
  /** @type {MediaDeviceInfo[]} */
  devices = [];
  deviceId = "";
  /** Why there is no microphone, as a key of messages; or empty. */
  trouble = "";
  /** @type {"opening" | "open" | "recording" | "playing"} */
  state = "opening";
  /** Whether anything has been heard yet. */
  heard = false;
  /** @type {(level: number) => void} */
  drawLevel = () => {};

  /** @type {MediaStreamTrack | null} */
  #track = null;
  /** @type {LevelMeter | null} */
  #meter = null;
  /** @type {MediaRecorder | null} */
  #recorder = null;
  /** @type {HTMLAudioElement | null} */
  #player = null;
  #closed = false;

  /** @param {() => void} draw */
  constructor(draw) {
    this.draw = draw;
  }

  /** @param {string} [deviceId] @returns {Promise<void>} */
  async open(deviceId) {
    this.#stop();
    this.trouble = "";
    this.heard = false;
    this.state = "opening";
    this.draw();
    try {
      const track = await openMicrophone({ deviceId, ...processing() });
      if (this.#closed) return track.stop();
      this.#track = track;
    } catch (error) {
      const { code } = /** @type {import("./microphone.js").MicrophoneError} */ (error);
      if (code === "missing" && deviceId) return this.open(); // that one is gone: any other
      this.trouble = `microphone.${code}`;
      return this.draw();
    }
    this.deviceId = this.#track.getSettings().deviceId ?? "";
    this.devices = await microphones(); // named only once one of them was allowed
    this.#meter = new LevelMeter(this.#track, (level) => this.#follow(level));
    this.state = "open";
    this.draw();
  }

  /** Records a little, and plays it. */
  hearOneself() {
    if (!this.#track || this.state !== "open") return;
    /** @type {Blob[]} */
    const pieces = [];
    const recorder = new MediaRecorder(new MediaStream([this.#track]));
    this.#recorder = recorder;
    recorder.ondataavailable = ({ data }) => pieces.push(data);
    recorder.onstop = () => this.#play(new Blob(pieces, { type: recorder.mimeType }), recorder);
    recorder.start();
    this.state = "recording";
    setTimeout(() => recorder.state === "recording" && recorder.stop(), SECONDS * 1_000);
  }

  close() {
    this.#closed = true;
    this.#stop();
  }

  /** @param {Blob} sound @param {MediaRecorder} recorder */
  #play(sound, recorder) {
    if (this.#recorder !== recorder) return; // stopped meanwhile
    const address = URL.createObjectURL(sound);
    const player = new Audio(address);
    this.#player = player;
    const over = () => {
      URL.revokeObjectURL(address);
      if (this.#player !== player) return;
      this.#player = null;
      this.state = "open";
      this.draw();
    };
    player.onended = player.onerror = over;
    this.state = "playing";
    this.draw();
    player.play().catch(over);
  }

  /** @param {number} level dBFS */
  #follow(level) {
    this.drawLevel(level);
    if (this.heard || level < SPEECH) return;
    this.heard = true;
    this.draw();
  }

  #stop() {
    this.#meter?.close();
    this.#recorder = null;
    this.#player?.pause();
    this.#player = null;
    this.#track?.stop();
    this.#meter = this.#track = null;
  }
}

/** @param {SoundCheck} check @param {string} confirm */
function soundView(check, confirm) {
  const { devices, trouble, state, heard } = check;
  if (trouble) {
    return [
      h("p.notice", { role: "alert", "data-key": "trouble", "data-notice": trouble }, microphoneText(trouble)),
      h("div.row", { "data-key": "acts" }, button("again", t("app.again"), { kind: "primary", "data-key": "again" })),
    ];
  }
  const open = state !== "opening";
  return [
    h("p", { role: "status", "data-key": "state", "data-heard": String(heard) }, t(!open ? "sound.opening" : heard ? "sound.heard" : "sound.speak")),
    devices.length > 0 && field("device", t("sound.device"), {
      "data-action": "device",
      choices: devices.map(({ deviceId, label }, n) => [deviceId, label || t("sound.device_number", { count: n + 1 })]),
      value: check.deviceId,
    }),
    h(
      "div.level",
      { "data-key": "level", role: "meter", "aria-label": t("sound.level"), "aria-valuemin": SILENT, "aria-valuemax": 0, "aria-valuenow": SILENT },
      h("span.level-fill"),
    ),
    h(
      "p.row.sound-hear",
      { "data-key": "hear" },
      button("record", t(state === "recording" ? "sound.recording" : state === "playing" ? "sound.playing" : "sound.record", { count: SECONDS }), {
        icon: state === "playing" ? "volume" : "listen",
        "aria-disabled": state !== "open" && "true",
      }),
    ),
    processingView(),
    recordingConsent(),
    h("div.row", { "data-key": "acts" }, button("done", confirm, { kind: "primary big", "data-key": "done", "aria-disabled": !open && "true" })),
  ];
}

/** What the browser does with the sound before anybody hears it. */
function processingView() {
  const on = processing();
  return h(
    "details.processing",
    { "data-key": "processing" },
    h("summary", {}, t("sound.processing")),
    h("p.hint", {}, t("sound.processing_hint")),
    PROCESSING.map((name) => h(
      "label.radio",
      {},
      h("input", { type: "checkbox", value: name, checked: on[name], "data-action": "process" }),
      h("span", {}, t(`sound.${name}`)),
    )),
  );
}

/** Apart from the view: this happens many times a second. @param {HTMLElement} root @param {number} level dBFS */
function drawLevel(root, level) {
  const meter = /** @type {HTMLElement | null} */ (root.querySelector(".level"));
  if (!meter) return;
  const shown = Math.max(SILENT, Math.min(0, level));
  meter.style.setProperty("--level", Math.min(1, (shown - SILENT) / (LOUD - SILENT)).toFixed(3));
  meter.setAttribute("aria-valuenow", shown.toFixed(0));
}
