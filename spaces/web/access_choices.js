/** Who may come into a Space, as a choice in a form; any of what is chosen admits. */
import { t } from "./text.js";

/** @typedef {import("./page_creator.js").Tier} Tier @typedef {import("./client.js").Policy & {community?: string}} Policy */

/** What there is to choose from at this creator's. @param {import("./api.js").Api} api @param {string} handle */
export async function loadAccess(api, handle) {
  const path = `/v1/creators/${handle}`;
  const [creator, { communities }] = await Promise.all([api.get(path), api.get(`${path}/communities`)]);
  return {
    spaces: /** @type {import("./client.js").Space[]} */ (creator.spaces),
    tiers: /** @type {Tier[]} */ (creator.tiers).filter(({ state }) => state === "published"),
    communities: /** @type {import("./community_parts.js").Community[]} */ (communities).filter(({ closed_at: closed }) => !closed),
  };
}

/**
 * @param {{tiers: Tier[], communities: import("./community_parts.js").Community[]}} there @param {{tickets?: boolean}} [may] sell tickets
 * @returns {[string, string][]}
 */
export function accessChoices({ tiers, communities }, { tickets = true } = {}) {
  return [
    ["open", t("space.access.open")],
    ["members", t("space.access.members")],
    ...(tiers.length ? [/** @type {[string, string]} */ (["subscribers", t("studio.access.any_tier")])] : []),
    ...tiers.map(({ id, name }) => /** @type {[string, string]} */ ([`subscribers:${id}`, t("studio.access.tier", { name })])),
    ...(tickets ? [/** @type {[string, string]} */ (["ticketed", t("space.access.ticketed")])] : []),
    ...(tickets && tiers.length ? [/** @type {[string, string]} */ (["subscribers+ticketed", t("studio.access.both")])] : []),
    ...communities.map(({ id, name }) => /** @type {[string, string]} */ ([`community:${id}`, t("studio.access.community", { name })])),
    ["invite", t("space.access.invite")],
  ];
}

/** As the API takes it. @param {string} choice @returns {Policy[]} */
export const policiesOf = (choice) => choice.split("+").map((one) => {
  const [policy, which] = one.split(":");
  return which ? { policy, [policy === "community" ? "community" : "tier"]: which } : { policy };
});

/** The other way round. @param {Policy[]} access */
export const choiceOf = (access) => access.map(({ policy, tier, community }) => [policy, tier ?? community].filter(Boolean).join(":")).join("+");
