/** Where hosts pin links, put them in order and take them off. */
import { Acts } from "./acts.js";
import { openSheet } from "./dialogs.js";
import { h, icon } from "./dom.js";
import { field, form, typed } from "./forms.js";
import { t } from "./text.js";

/** @param {import("./client.js").SpaceClient} client */
export function pinsSheet(client) {
  const { talk } = client;
  const acts = new Acts(() => sheet.draw());
  const redraw = () => sheet.draw();
  const sheet = openSheet(t("pins.title"), () => [
    talk.pins.length > 0 && h("ul.things", { "data-key": "pins" }, talk.pins.map((pin, place) => rowView(pin, place))),
    form("pin", acts, t("pins.add"), (trouble) => [
      field("url", t("pins.url"), { type: "url", inputmode: "url", placeholder: "https://", required: true, trouble: trouble("url") }),
      field("pin-title", t("pins.name"), { name: "title", maxlength: 100, hint: t("pins.name_hint"), trouble: trouble("title") }),
    ]),
  ], {
    pin: async (control) => {
      const { url, title } = typed(control);
      const pinned = await acts.run("pin", () => talk.pin(url, { title }));
      if (pinned) /** @type {HTMLFormElement} */ (control).reset();
    },
    "pin-up": ({ dataset }) => {
      const pin = talk.pins.find(({ url }) => url === dataset.url);
      if (pin) return talk.pin(pin.url, { title: pin.title, place: Number(dataset.place) - 1 });
    },
    unpin: ({ dataset }) => talk.unpin(String(dataset.url)),
  });
  client.addEventListener("pins", redraw);
  sheet.closed.then(() => client.removeEventListener("pins", redraw));
}

/** @param {import("./client_talk.js").Pin} pin @param {number} place */
function rowView({ url, title }, place) {
  const name = title || new URL(url).host;
  return h(
    "li.thing",
    { "data-key": url },
    h("div.thing-what", {}, h("p.thing-name", {}, h("bdi", {}, name)), h("p.quiet", {}, url)),
    h(
      "div.thing-acts",
      {},
      place > 0 && h("button.person-more", { type: "button", "data-action": "pin-up", "data-url": url, "data-place": place,
        "aria-label": t("pins.up", { name }) }, icon("up")),
      h("button.person-more", { type: "button", "data-action": "unpin", "data-url": url, "aria-label": t("pins.off", { name }) }, icon("cross")),
    ),
  );
}
