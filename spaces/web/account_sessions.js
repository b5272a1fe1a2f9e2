/** Where one is signed in, and ending that. */
import { toast } from "./dialogs.js";
import { h } from "./dom.js";
import { actButton } from "./forms.js";
import { t, timeText } from "./text.js";

/**
 * @typedef {{id: string, current: boolean, method: string, user_agent: string, client_address: string | null,
 *   created_at: string, last_seen_at: string}} Session
 */

/** @param {import("./parts_page.js").PartOf} part @returns {import("./parts_page.js").Part} */
export function sessionsPart({ api, acts, load: loadAll }) {
  /** @type {Session[]} */
  let sessions = [];
  return {
    async load() {
      ({ sessions } = await api.get("/v1/me/sessions"));
    },
    view: () => sessions.length === 0 ? null : h(
      "section.panel",
      { "aria-labelledby": "sessions-title" },
      h("h2", { id: "sessions-title" }, t("session.title")),
      h("ul.things", {}, sessions.map((session) => sessionView(session, acts))),
      sessions.length > 1 && h("div.row", {}, actButton(acts, "revoke-others", "revoke-others", t("session.end_others"))),
    ),
    actions: {
      revoke: ({ dataset: { session } }) => acts.run(`revoke-${session}`, async () => {
        await api.delete(`/v1/me/sessions/${session}`);
        toast(t("session.ended"));
        await loadAll();
      }),
      "revoke-others": () => acts.run("revoke-others", async () => {
        await api.delete("/v1/me/sessions");
        toast(t("session.ended"));
        await loadAll();
      }),
    },
  };
}

/** @param {Session} session @param {import("./acts.js").Acts} acts */
function sessionView(session, acts) {
  const device = deviceText(session.user_agent);
  return h(
    "li.thing",
    { "data-key": session.id },
    h(
      "div.thing-what",
      {},
      h("p.thing-name", {}, device),
      h(
        "p.quiet",
        {},
        session.current ? t("session.this") : t("session.seen", { time: timeText(session.last_seen_at) }),
        session.client_address && ` · ${session.client_address}`,
      ),
    ),
    !session.current && h("div.thing-acts", {}, actButton(acts, `revoke-${session.id}`, "revoke", t("session.end"), {
      "data-session": session.id,
      "aria-label": t("session.end_label", { device }),
    })),
  );
}

/** A browser's own words, as its owner would say them: "Firefox on Linux". @param {string} agent */
function deviceText(agent) {
  const browser = /Edg\//.test(agent)
    ? "Edge"
    : /(Firefox|HeadlessChrome|Chrome|Safari)\//.exec(agent)?.[1].replace("Headless", "");
  const system = /(iPhone|iPad|Android|Windows|Mac OS X|CrOS|Linux)/.exec(agent)?.[1].replace("Mac OS X", "macOS");
  if (!browser) return agent.slice(0, 60) || t("session.unknown");
  return system ? t("session.device", { browser, system }) : browser;
}
