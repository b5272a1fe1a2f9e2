/** Where events are sent, and what could not be delivered. */
import { toast } from "./dialogs.js";
import { h } from "./dom.js";
import { actButton } from "./forms.js";
import { t, timeText } from "./text.js";

/**
 * @typedef {{id: string, url: string, disabled_at: string | null, failing_since: string | null, last_error: string | null,
 *   waiting: number, dead: number}} Endpoint
 */

/** @param {import("./parts_page.js").PartOf} part @returns {import("./parts_page.js").Part} */
export function webhooksPart({ api, acts, load: loadAll }) {
  /** @type {Endpoint[]} */
  let endpoints = [];
  return {
    async load() {
      ({ endpoints } = await api.get("/v1/webhook-endpoints"));
    },
    view: () => endpoints.length === 0 ? null : h(
      "section.panel",
      { "aria-labelledby": "webhooks-title" },
      h("h2", { id: "webhooks-title" }, t("operator.webhooks")),
      h("ul.things", {}, endpoints.map((one) => endpointView(one, acts))),
    ),
    actions: {
      redeliver: ({ dataset: { endpoint } }) => acts.run(`redeliver-${endpoint}`, async () => {
        const { redelivered } = await api.post(`/v1/webhook-endpoints/${endpoint}/redeliver`);
        toast(t("operator.webhook.redelivered", { count: redelivered }));
        await loadAll();
      }),
    },
  };
}

/** @param {Endpoint} one @param {import("./acts.js").Acts} acts */
function endpointView(one, acts) {
  const state = one.disabled_at
    ? t("operator.webhook.disabled")
    : one.failing_since
    ? t("operator.webhook.failing", { time: timeText(one.failing_since), error: one.last_error ?? "" })
    : t("operator.webhook.well");
  return h(
    "li.thing",
    { "data-key": `endpoint-${one.id}` },
    h(
      "div.thing-what",
      {},
      h("p.thing-name", {}, one.url),
      h("p.quiet", {}, state),
      h("p.quiet", {}, t("operator.webhook.counts", { waiting: one.waiting, dead: one.dead })),
    ),
    one.dead > 0 && h("div.thing-acts", {}, actButton(acts, `redeliver-${one.id}`, "redeliver", t("operator.webhook.redeliver"), {
      "data-endpoint": one.id,
      "aria-label": t("operator.webhook.redeliver_label", { url: one.url }),
    })),
  );
}
