/** Who is kept out of this creator's Spaces, and the way back in. */
import { openSheet } from "./dialogs.js";
import { h } from "./dom.js";
import { button, face } from "./parts.js";
import { t, timeText } from "./text.js";

/** @typedef {{account: import("./client.js").Account, since: string, reason: string, by: {name: string} | null}} Block */

/** @param {import("./api.js").Api} api @param {string} space */
export async function blocksSheet(api, space) {
  const path = `/v1/spaces/${space}/blocks`;
  /** @type {Block[] | null} */
  let blocks = null;
  const load = async () => {
    ({ blocks } = await api.get(path));
    sheet.draw();
  };
  const sheet = openSheet(t("room.blocks"), () => blocksView(blocks), {
    unblock: async (control) => {
      await api.delete(`${path}/${control.dataset.account}`);
      await load();
    },
  });
  await load();
}

/** @param {Block[] | null} blocks */
function blocksView(blocks) {
  if (blocks === null) return h("p.none", { role: "status" }, t("app.loading"));
  if (blocks.length === 0) return h("p.none", { role: "status" }, t("blocks.none"));
  return h("ul.person-list", {}, blocks.map(({ account, since, by, reason }) =>
    h(
      "li.person-row",
      { "data-key": account.id },
      face(account, "small"),
      h("span.person-row-name", {}, account.name,
        h("span.quiet", {}, [t("blocks.since", { time: timeText(since), name: by?.name ?? "" }), reason].filter(Boolean).join(" · "))),
      button("unblock", t("blocks.end"), { "data-account": account.id, "aria-label": t("blocks.end_label", { name: account.name }) }),
    )));
}
