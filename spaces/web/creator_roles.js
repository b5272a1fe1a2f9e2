/** What the members of a creator may do, by role: as the server has it. */
export const ROLES = ["owner", "editor", "host", "finance"];
export const HOSTS = ["owner", "editor", "host"];
export const EDITORS = ["owner", "editor"];
export const FINANCE = ["owner", "finance"];
/** @typedef {{account: import("./client.js").Account, handle: string, name: string, kind: string, role: string}} MyCreator one that somebody acts for */

/** Whom one acts for: oneself first. @param {import("./api.js").Api} api @returns {Promise<MyCreator[]>} */
export const loadMyCreators = async (api) => (await api.get("/v1/me/creators")).creators;
