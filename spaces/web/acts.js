import { errorText } from "./text.js";

/**
 * What a person does on a page with forms: one act at a time, shown while it lasts, and why it was refused.
 *
 * `busy` names the act under way; `trouble` is the last refusal, gone with the next act.
 */
export class Acts {
  busy = "";
  /** @type {{act: string, field: string, text: string, problem: any} | null} */
  trouble = null;

  /** @param {() => void} draw */
  constructor(draw) {
    this.draw = draw;
  }

  /** @param {string} name @param {() => Promise<unknown>} act @returns {Promise<boolean>} whether it was done */
  async run(name, act) {
    if (this.busy) return false;
    this.busy = name;
    this.trouble = null;
    this.draw();
    try {
      await act();
    } catch (error) {
      const problem = /** @type {any} */ (error).problem;
      if (!problem) console.error(error);
      this.trouble = { act: name, field: problem?.field ?? "", text: errorText(error), problem };
    }
    this.busy = "";
    this.draw();
    return this.trouble === null;
  }

  /** The refusal of this act. @param {string} name */
  of(name) {
    return this.trouble?.act === name ? this.trouble : null;
  }
}
