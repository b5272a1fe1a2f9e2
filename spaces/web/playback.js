/**
 * The sound of one media session: an <audio> element per track.
 *
 * Elements, not an AudioContext: they need no second clock, they keep playing on a locked phone, and browsers take what
 * they play as the echo canceller's reference. Tracks arrive silent and become audible together by `open()`, so that a
 * new session can warm up beside the old one.
 */
export class Playback {
  /** @type {Map<string, HTMLAudioElement>} by mid */
  #elements = new Map();
  #audible = false;

  /** @param {{volume: number, onblocked: () => void}} options */
  constructor({ volume, onblocked }) {
    this.volume = volume;
    this.onblocked = onblocked;
  }

  /** @param {string} mid @param {MediaStreamTrack} track */
  add(mid, track) {
    const element = this.#elements.get(mid) ?? new Audio();
    this.#elements.set(mid, element);
    element.autoplay = true;
    element.muted = !this.#audible;
    element.volume = this.volume;
    element.srcObject = new MediaStream([track]);
    this.#play(element);
  }

  /** Makes it heard. Call again from a tap after `onblocked`. */
  open() {
    this.#audible = true;
    for (const element of this.#elements.values()) {
      element.muted = false;
      this.#play(element);
    }
  }

  /** @param {number} volume 0 to 1; phones that forbid it keep their own */
  setVolume(volume) {
    this.volume = volume;
    for (const element of this.#elements.values()) element.volume = volume;
  }

  close() {
    for (const element of this.#elements.values()) {
      element.pause();
      element.srcObject = null;
    }
    this.#elements.clear();
  }

  /** @param {HTMLAudioElement} element */
  #play(element) {
    element.play().catch((error) => {
      // AbortError: replaced or closed meanwhile. NotAllowedError: the browser wants a tap first.
      if (error.name === "NotAllowedError") this.onblocked();
    });
  }
}

/**
 * Spends the tap: some browsers let a page make sound later only if an element was played during one.
 * A silent element of its own does, and it is dropped at once.
 */
export function unlockSound() {
  const element = new Audio();
  element.srcObject = new MediaStream();
  element.play().catch(() => {}); // an empty stream never starts; the attempt is what counts
  element.pause();
}
