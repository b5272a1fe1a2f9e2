/** Being heard for as long as something is held: the space bar, or the microphone's button. And other keys. */
import { withTexts } from "./text.js";

/** Held for less than this, in milliseconds, the button was only pressed. */
const PRESSED = 300;
/** Where keys have a meaning of their own. */
const TYPING = "input, textarea, select, dialog, [role=menu], [contenteditable]";
const CONTROLS = `${TYPING}, a, button, summary, audio`;
const MUTE = "[data-action=mute]";

export class PushToTalk {
  #since = 0;
  #swallow = false;
  /** @type {any} */
  #timer;

  /** @param {import("./page_space.js").Model} model @param {() => void} draw @param {() => void} toggle mutes or unmutes */
  constructor(model, draw, toggle) {
    this.model = model;
    this.draw = draw;
    this.toggle = toggle;
    addEventListener("keydown", (event) => this.#keyDown(event));
    addEventListener("keyup", (event) => this.#keyUp(event));
    addEventListener("pointerdown", ({ target, isPrimary }) => {
      if (!isPrimary || !isMute(target) || !model.client.muted) return;
      this.#timer = setTimeout(() => (this.#swallow = this.#begin()), PRESSED);
    });
    for (const type of ["pointerup", "pointercancel"]) addEventListener(type, () => this.#letGo());
    addEventListener("contextmenu", (event) => isMute(event.target) && event.preventDefault()); // what holding does on a phone
    addEventListener("blur", () => this.#letGo());
    model.client.addEventListener("muted", () => (model.holding = false)); // by a host: then one is not heard
  }

  /** Whether the click that has just come is the end of holding the button. */
  swallowsClick() {
    const swallow = this.#swallow;
    this.#swallow = false;
    return swallow;
  }

  #begin() {
    const { model } = this;
    if (model.holding || !model.client.speaking || !model.client.muted) return false;
    model.holding = true;
    this.#since = performance.now();
    model.client.mute(false).catch(() => this.#letGo());
    this.draw();
    return true;
  }

  #letGo() {
    clearTimeout(this.#timer);
    if (!this.model.holding) return;
    this.model.holding = false;
    this.model.client.mute(true).catch(() => {}); // silent here already
    this.draw();
  }

  /** @param {KeyboardEvent} event */
  #keyDown(event) {
    const { client } = this.model;
    const target = /** @type {Element} */ (event.target);
    if (event.ctrlKey || event.metaKey || event.altKey || target.closest?.(TYPING)) return;
    if (event.key === "?" && client.onStage) return void showKeys();
    if (event.key.toLowerCase() === "m" && !event.repeat && client.speaking) return this.toggle();
    if (event.key !== " " || !client.speaking || (target.closest?.(CONTROLS) && !isMute(target))) return;
    if (isMute(target) || this.model.holding || client.muted) event.preventDefault(); // neither a click nor scrolling
    if (!event.repeat) this.#begin();
  }

  /** @param {KeyboardEvent} event */
  #keyUp(event) {
    if (event.key !== " ") return;
    if (!isMute(event.target)) return this.#letGo();
    event.preventDefault();
    if (!this.model.holding) return this.toggle();
    if (performance.now() - this.#since < PRESSED) this.model.holding = false; // pressed: heard from now on
    else this.#letGo();
    this.draw();
  }
}

/** @param {EventTarget | null} target */
const isMute = (target) => target instanceof Element && target.closest(MUTE) !== null;

const showKeys = async () => (await withTexts("hosting", import("./keys_sheet.js"))).keysSheet();
