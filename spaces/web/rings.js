/** Softer than this nobody is shown as speaking; louder than that the ring does not grow. In dBFS. */
const [SOFT, LOUD] = [-55, -12];

/**
 * Moves the rings around those who speak. Apart from the views: this happens ten times a second.
 *
 * @param {Element} root @param {Record<string, number>} levels dBFS by account id
 */
export function drawLevels(root, levels) {
  for (const element of root.querySelectorAll(".person")) {
    const person = /** @type {HTMLElement} */ (element);
    const level = levels[person.dataset.account ?? ""];
    const loud = level === undefined ? 0 : Math.min(1, Math.max(0, (level - SOFT) / (LOUD - SOFT)));
    if (loud > 0) person.dataset.speaking = "";
    else delete person.dataset.speaking;
    person.style.setProperty("--loud", loud.toFixed(2));
  }
}
