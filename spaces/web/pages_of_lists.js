/** Lists that the server tells page by page: what has come so far, and the way to what comes after. */
import { h } from "./dom.js";
import { actButton, refusal } from "./forms.js";
import { t } from "./text.js";

/**
 * Where a list is asked for, and what of it is shown.
 *
 * @template Row
 * @typedef {object} Told
 * @property {import("./api.js").Api} api
 * @property {import("./acts.js").Acts} acts
 * @property {string} path may have a query
 * @property {string} what the answer's name for its rows
 * @property {string} [name] the list's own on the page, if there is another of the kind; with "more-" that of its act
 * @property {string} [by] the query parameter that takes an answer's `next`
 * @property {(row: Row) => boolean} [keep] those that are of interest at all
 * @property {number} [few] are shown at first and more with each "Show more"; else whatever has come
 */

/** @template {{id: string}} Row */
export class PagedList {
  /** What has come so far. @type {Row[]} */
  rows = [];
  /** What is looked for among them. @type {(row: Row) => boolean} */
  sought = () => true;
  /** @type {string | null} null: that was all */
  #next = null;
  /** Pages that have come, and come again with each `load`. */
  #pages = 1;
  #shown;
  /** The last one asked for is the one that counts. */
  #asked = 0;
  /** @type {string | undefined} The row that the last "Show more" brought first. */
  #first;

  /** @param {Told<Row>} told */
  constructor({ few = Infinity, ...told }) {
    this.told = { by: "before", name: told.what, keep: () => true, few, ...told };
    this.#shown = few;
  }

  /** Reads anew what has come so far. */
  async load() {
    const asked = ++this.#asked;
    const rows = [];
    let page = await this.#page(null);
    rows.push(...page.rows);
    for (let n = 1; n < this.#pages && page.next !== null; n++) {
      page = await this.#page(page.next);
      rows.push(...page.rows);
    }
    if (asked !== this.#asked) return;
    this.rows = rows;
    this.#next = page.next;
  }

  /** Looks for others, from the first on. @param {(row: Row) => boolean} sought */
  seek(sought) {
    this.sought = sought;
    this.#shown = this.told.few;
  }

  /** Of those that have come, what is looked for. */
  get found() {
    return this.rows.filter(this.sought);
  }

  /** Whether all of it has come. */
  get whole() {
    return this.#next === null;
  }

  /** Whether there is nothing to show, and nothing that might still come. */
  get empty() {
    return this.whole && this.rows.length === 0;
  }

  /** The list and the button below it. @param {(row: Row) => HTMLElement} rowView @param {string} [tag] @param {Record<string, string>} [attributes] */
  view(rowView, tag = "ul.things", attributes = {}) {
    const { acts, name } = this.told;
    const act = `more-${name}`;
    const { found } = this;
    return [
      found.length > 0 && h(tag, { ...attributes, "data-key": `rows-${name}` }, found.slice(0, this.#shown).map((row) => {
        const line = rowView(row);
        if (row.id === this.#first) line.tabIndex = -1; // the focus goes there
        return line;
      })),
      refusal(acts, act),
      (found.length > this.#shown || !this.whole) && actButton(acts, act, act, t("app.more"), { "data-key": act }),
    ];
  }

  /** What the button does. Whoever used it is led to the first row that is new: the button may be gone with the last. */
  get actions() {
    const { acts, name } = this.told;
    const act = `more-${name}`;
    return {
      [act]: async () => {
        if (!await acts.run(act, () => this.#more())) return;
        /** @type {HTMLElement | null} */ (document.querySelector(`[data-key="rows-${name}"] > [tabindex]`))?.focus();
      },
    };
  }

  /** Until there is another to show, or that was all. */
  async #more() {
    const asked = ++this.#asked; // what is under way has fewer pages
    const shown = Math.min(this.found.length, this.#shown);
    while (this.found.length <= shown && this.#next !== null) {
      const page = await this.#page(this.#next);
      if (asked !== this.#asked) return;
      this.rows = [...this.rows, ...page.rows];
      this.#next = page.next;
      this.#pages++;
    }
    this.#shown = shown + this.told.few;
    this.#first = (this.found[shown] ?? this.found[shown - 1])?.id;
  }

  /** @param {string | null} next @returns {Promise<{rows: Row[], next: string | null}>} */
  async #page(next) {
    const { api, path, what, by, keep } = this.told;
    const query = next === null ? "" : `${path.includes("?") ? "&" : "?"}${by}=${next}`;
    const answer = await api.get(path + query);
    return { rows: answer[what].filter(keep), next: answer.next };
  }
}
