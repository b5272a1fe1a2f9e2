/** Pinned links: what hosts show to everybody inside. */
import { h, icon } from "./dom.js";
import { button } from "./parts.js";
import { t } from "./text.js";

/** @param {import("./page_space.js").Model} model */
export function pinsView({ client }) {
  const { pins } = client.talk;
  if (!pins.length && !client.hosting) return null;
  return h(
    "div.pins",
    { "data-key": "pins" },
    h("h2", { id: "pins-title" }, t("pins.title")),
    pins.length > 0 && h("ul.pin-list", { "aria-labelledby": "pins-title", "data-key": "pin-list" }, pins.map(pinView)),
    client.hosting && button("pins-sheet", t(pins.length ? "pins.change" : "pins.add"), { icon: "link", "aria-haspopup": "dialog", "data-key": "change" }),
  );
}

/** @param {import("./client_talk.js").Pin} pin */
function pinView({ url, title }) {
  const host = new URL(url).host;
  return h(
    "li",
    { "data-key": url },
    h(
      "a.pin",
      { href: url, target: "_blank", rel: "noopener noreferrer nofollow ugc", referrerpolicy: "no-referrer" },
      icon("link"),
      h("span.pin-what", {}, title && h("bdi.pin-title", { dir: "auto" }, title), h("span.pin-host", {}, host)),
      h("span.hidden", {}, t("pins.new_window")),
    ),
  );
}
