/** Small charts, drawn as SVG: what they show stands in a table or in words beside them too. */

const SVG = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT, GAP] = [320, 72, 2];

/** @param {string} tag @param {Record<string, string | number>} attributes @param {...Node} children */
function draw(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/**
 * Bars side by side, those below nothing downwards.
 *
 * @param {string} label what it shows, in words @param {{name: string, value: number}[]} bars `name` is told of whoever points at one
 */
export function barChart(label, bars) {
  const most = Math.max(0, ...bars.map(({ value }) => value));
  const least = Math.min(0, ...bars.map(({ value }) => value));
  const scale = HEIGHT / (most - least || 1);
  const zero = most * scale;
  const step = WIDTH / bars.length;
  return draw(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "chart", role: "img", "aria-label": label, preserveAspectRatio: "none" },
    ...bars.map(({ name, value }, n) => draw(
      "rect",
      {
        x: (n * step + GAP / 2).toFixed(2),
        y: (value > 0 ? zero - value * scale : zero).toFixed(2),
        width: Math.max(1, step - GAP).toFixed(2),
        height: Math.abs(value * scale).toFixed(2),
        class: value < 0 ? "bar-below" : "bar-above",
      },
      Object.assign(draw("title", {}), { textContent: name }),
    )),
    draw("line", { x1: 0, x2: WIDTH, y1: zero.toFixed(2), y2: zero.toFixed(2), class: "chart-zero" }),
  );
}
