/**
 * Which browser this is, as far as its settings look different: for telling people where to click, for nothing else.
 *
 * @param {string} agent
 * @returns {"ios" | "android" | "firefox" | "safari" | "chrome"}
 */
export function browserKind(agent = navigator.userAgent) {
  if (/iPhone|iPad|iPod/.test(agent)) return "ios"; // all browsers there are Safari within
  if (/Android/.test(agent)) return "android";
  if (/Firefox\//.test(agent)) return "firefox";
  return /Safari\//.test(agent) && !/Chrom(e|ium)\//.test(agent) ? "safari" : "chrome";
}
