/** Who asks to speak: what hosts and co-hosts see beside the stage. */
import { h } from "./dom.js";
import { button, face } from "./parts.js";
import { t } from "./text.js";

/** @param {import("./page_space.js").Model} model */
export function requestsView({ client, space }) {
  if (space.state !== "live" || !client.hosting) return null;
  const { hands } = client;
  return h(
    `section.requests${hands.length ? "" : ".idle"}`,
    { "aria-labelledby": "requests-title", "data-key": "requests" },
    h("h2", { id: "requests-title" }, t("space.requests"), hands.length > 0 && h("span.number", {}, hands.length)),
    hands.length === 0
      ? h("p.none", {}, t(space.asking === "nobody" ? "space.requests_closed" : "space.no_requests"))
      : h("ul.request-list", {}, hands.map(({ account }) => requestView(account))),
  );
}

/** @param {import("./client.js").Account} account */
function requestView(account) {
  const who = { "data-account": account.id };
  return h(
    "li.request",
    { "data-key": account.id },
    face(account, "small"),
    h("span.request-name", {}, account.name),
    button("decline", t("action.decline"), { ...who, "aria-label": t("action.decline_label", { name: account.name }) }),
    button("accept", t("action.accept"), {
      ...who,
      kind: "primary",
      "aria-label": t("action.accept_label", { name: account.name }),
    }),
  );
}
