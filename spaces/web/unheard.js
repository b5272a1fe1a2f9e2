/** Whoever talks while muted is told so: a copy of the microphone's track is listened to here, and nowhere else. */
import { LevelMeter } from "./level_meter.js";

/** From this loudness on somebody speaks, in dBFS. */
const SPEECH = -40;
/** Talking for this long, in milliseconds, is no cough. */
const LONG = 700;
/** Between two words, and from the last one on until the hint goes. */
const [PAUSE, STAYS] = [1_000, 5_000];

/** @param {import("./page_space.js").Model} model @param {() => void} draw */
export function followUnheard(model, draw) {
  const { client } = model;
  /** @type {{source: MediaStreamTrack, copy: MediaStreamTrack, meter: LevelMeter} | null} */
  let ear = null;
  let spoken = 0;
  let [spokenAt, looked] = [0, 0];

  const set = (/** @type {boolean} */ unheard) => {
    if (model.unheard === unheard) return;
    model.unheard = unheard;
    draw();
  };

  function level(/** @type {number} */ dbfs) {
    const now = performance.now();
    if (dbfs > SPEECH) {
      spoken += Math.min(200, now - looked);
      spokenAt = now;
    } else if (now - spokenAt > PAUSE) spoken = 0;
    looked = now;
    if (spoken > LONG) set(true);
    else if (now - spokenAt > STAYS) set(false);
  }

  function look() {
    const source = client.speaking && client.muted && client.state === "listening" ? client.microphone : null;
    if (source === ear?.source) return;
    ear?.meter.close();
    ear?.copy.stop();
    ear = null;
    spoken = 0;
    set(false);
    if (!source) return;
    const copy = source.clone();
    copy.enabled = true;
    ear = { source, copy, meter: new LevelMeter(copy, level) };
  }

  for (const type of ["you", "microphone", "device", "state"]) client.addEventListener(type, look);
  look();
}
