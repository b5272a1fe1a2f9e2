import { Acts } from "./acts.js";
import { card } from "./cards.js";
import { h, listen, show } from "./dom.js";
import { PagedList } from "./pages_of_lists.js";
import { button, loadingView } from "./parts.js";
import { t } from "./text.js";

/** How often the lists are looked at again, in milliseconds. */
const REFRESH_EVERY = 15_000;
/** How long after a key what was typed is looked for, in milliseconds. */
const SETTLED = 250;
const PAGE = 24;

/** @typedef {PagedList<import("./client.js").Space>} Found */

/** The front: who is live, who will be, and finding either. @param {import("./app.js").Page} page */
export async function frontPage({ main, api, repeat }) {
  const address = new URLSearchParams(location.search);
  const sought = { q: address.get("q") ?? "", topic: address.get("topic") ?? "" };
  const draw = () => show(main, frontView(sought, loaded ? lists : {}));
  const acts = new Acts(draw);
  let lists = wanted();
  let loaded = false;
  let timer = 0;

  function told(/** @type {string} */ name, /** @type {Record<string, string>} */ query) {
    const path = `/v1/spaces?${new URLSearchParams({ ...query, limit: String(PAGE) })}`;
    return /** @type {Found} */ (new PagedList({ api, acts, name, path, what: "spaces", by: "cursor" }));
  }

  /** @returns {Record<string, Found>} */
  function wanted() {
    if (isSearch(sought)) return { found: told("found", filled(sought)) };
    const live = told("live", { state: "live" });
    const scheduled = told("scheduled", { state: "scheduled" });
    for (const one of [live, scheduled]) one.seek(({ may_join: may }) => Boolean(may));
    return { live, scheduled };
  }

  async function load() {
    const mine = lists;
    await Promise.all(Object.values(mine).map((one) => one.load()));
    if (mine !== lists) return; // something else was typed meanwhile
    loaded = true;
    draw();
  }

  function seek(/** @type {Partial<typeof sought>} */ what) {
    Object.assign(sought, what);
    const query = String(new URLSearchParams(filled(sought)));
    history.replaceState(history.state, "", query ? `/?${query}` : "/");
    lists = wanted();
    loaded = false;
    clearTimeout(timer);
    timer = setTimeout(() => load().catch(() => {}), SETTLED); // what is wrong is told when it is looked at again
    draw();
  }

  show(main, loadingView());
  /** @type {import("./dom.js").Actions} */
  const own = {
    seek: (control) => seek({ q: /** @type {HTMLInputElement} */ (control).value }),
    "search": () => seek({}),
    "no-topic": () => seek({ topic: "" }),
  };
  listen(main, (name, control) => Object.assign({}, own, ...Object.values(lists).map(({ actions }) => actions))[name]?.(control));
  await repeat(REFRESH_EVERY, async () => {
    if (!acts.busy) await load();
  });
}

/** @param {{q: string, topic: string}} sought those that are anything */
const filled = ({ q, topic }) => Object.fromEntries(Object.entries({ q: q.trim(), topic }).filter(([, value]) => value));

/** @param {{q: string, topic: string}} sought */
const isSearch = ({ q, topic }) => q.trim() !== "" || topic !== "";

/** @param {{q: string, topic: string}} sought @param {Record<string, Found>} lists */
function frontView({ q, topic }, lists) {
  const searching = isSearch({ q, topic });
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
  const shut = [live, scheduled].flatMap((found) => found?.rows.filter(({ may_join: may }) => !may) ?? []);
  return [
    list("live", t("front.live"), live, t(live?.rows.length ? "front.no_live_open" : "front.no_live")),
    list("scheduled", t("front.scheduled"), scheduled, t(scheduled?.rows.length ? "front.no_scheduled_open" : "front.no_scheduled")),
    shut.length > 0 && section("shut", t("front.shut"), h("ul.cards", {}, shut.map(card))),
  ];
}

/** @param {string} id @param {string} title @param {Found | undefined} found @param {string} none */
function list(id, title, found, none) {
  if (!found) return section(id, title, h("p.none", {}, t("app.loading")), true);
  return section(id, title, [!found.found.length && h("p.none", { role: "status" }, none), found.view(card, "ul.cards")]);
}

/** @param {string} id @param {string} title @param {import("./dom.js").Child} content @param {boolean} [busy] */
const section = (id, title, content, busy = false) => h(
  "section",
  { "aria-labelledby": `${id}-title`, "aria-busy": busy && "true", "data-key": `list-${id}` },
  h("h2", { id: `${id}-title` }, title),
  content,
);

