import { card } from "./cards.js";
import { h, listen, show } from "./dom.js";
import { button, loadingView } from "./parts.js";
import { t } from "./text.js";

/** How often the lists are looked at again, in milliseconds. */
const REFRESH_EVERY = 15_000;
/** How long after a key what was typed is looked for, in milliseconds. */
const SETTLED = 250;
const PAGE = 24;

/** @typedef {{spaces: import("./client.js").Space[], next: string | null, limit: number}} Found */

/** The front: who is live, who will be, and finding either. @param {import("./app.js").Page} page */
export async function frontPage({ main, api, repeat }) {
  const address = new URLSearchParams(location.search);
  const sought = { q: address.get("q") ?? "", topic: address.get("topic") ?? "" };
  /** @type {Record<string, Found>} */
  let lists = {};
  let timer = 0;
  let loads = 0;
  const draw = () => show(main, frontView(sought, lists));
  const limit = (/** @type {string} */ name) => lists[name]?.limit ?? PAGE;

  async function load() {
    const mine = ++loads;
    const found = sought.q.trim() !== "" || sought.topic !== "";
    const names = found ? ["found"] : ["live", "scheduled"];
    const answers = await Promise.all(names.map((name) => {
      const query = new URLSearchParams(found ? filled(sought) : { state: name });
      query.set("limit", String(limit(name)));
      return api.get(`/v1/spaces?${query}`);
    }));
    if (mine !== loads) return; // something else was typed meanwhile
    lists = Object.fromEntries(names.map((name, n) => [name, { ...answers[n], limit: limit(name) }]));
    draw();
  }

  function seek(/** @type {Partial<typeof sought>} */ what) {
    Object.assign(sought, what);
    const query = String(new URLSearchParams(filled(sought)));
    history.replaceState(history.state, "", query ? `/?${query}` : "/");
    delete lists.found;
    clearTimeout(timer);
    timer = setTimeout(() => load().catch(() => {}), SETTLED); // what is wrong is told when it is looked at again
    draw();
  }

  show(main, loadingView());
  listen(main, {
    seek: (control) => seek({ q: /** @type {HTMLInputElement} */ (control).value }),
    "search": () => seek({}),
    "no-topic": () => seek({ topic: "" }),
    more: async ({ dataset: { list = "" } }) => {
      lists[list].limit = Math.min(100, lists[list].limit + PAGE);
      await load().catch(() => {});
    },
  });
  await repeat(REFRESH_EVERY, load);
}

/** @param {{q: string, topic: string}} sought those that are anything */
const filled = ({ q, topic }) => Object.fromEntries(Object.entries({ q: q.trim(), topic }).filter(([, value]) => value));

/** @param {{q: string, topic: string}} sought @param {Record<string, Found>} lists */
function frontView({ q, topic }, lists) {
  const searching = q.trim() !== "" || topic !== "";
  return h(
    "div.page",
    { "data-key": "front" },
    h("h1", { tabindex: "-1" }, t("front.title")),
    h(
      "form.search",
      { role: "search", "data-submit": "search", "data-key": "search" },
      h("label.hidden", { for: "search" }, t("front.search")),
      h("input", {
        id: "search", type: "search", name: "q", value: q, maxlength: 100, autocomplete: "off", "data-action": "seek",
        placeholder: t("front.search"), enterkeyhint: "search",
      }),
      topic && button("no-topic", topic, { icon: "cross", kind: "toggled", "aria-label": t("front.no_topic", { topic }) }),
    ),
    searching ? list("found", t("front.found"), lists.found, t("front.none_found")) : allOf(lists),
    !searching && h("p.front-own", { "data-key": "own" }, h("a", { href: "/studio" }, t("front.own"))),
  );
}

/** Where one may come in, now or later, and then what one could pay for or ask into. @param {Record<string, Found>} lists */
function allOf({ live, scheduled }) {
  const open = (/** @type {Found | undefined} */ found) => found && { ...found, spaces: found.spaces.filter(({ may_join: may }) => may) };
  const shut = [live, scheduled].flatMap((found) => found?.spaces.filter(({ may_join: may }) => !may) ?? []);
  return [
    list("live", t("front.live"), open(live), t(live?.spaces.length ? "front.no_live_open" : "front.no_live")),
    list("scheduled", t("front.scheduled"), open(scheduled), t(scheduled?.spaces.length ? "front.no_scheduled_open" : "front.no_scheduled")),
    shut.length > 0 && list("shut", t("front.shut"), { spaces: shut, next: null, limit: 0 }, ""),
  ];
}

/** @param {string} id @param {string} title @param {Found | undefined} found @param {string} none */
function list(id, title, found, none) {
  return h(
    "section",
    { "aria-labelledby": `${id}-title`, "aria-busy": found ? null : "true", "data-key": `list-${id}` },
    h("h2", { id: `${id}-title` }, title),
    !found
      ? h("p.none", {}, t("app.loading"))
      : found.spaces.length ? h("ul.cards", {}, found.spaces.map(card)) : h("p.none", { role: "status" }, none),
    found?.next && found.limit < 100 && button("more", t("front.more"), { "data-list": id }),
  );
}

