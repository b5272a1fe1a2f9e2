/** Links that bring one person each to the stage: made, copied, taken back. */
import { openSheet, toast } from "./dialogs.js";
import { h, icon } from "./dom.js";
import { field } from "./forms.js";
import { button } from "./parts.js";
import { t, timeText } from "./text.js";

const HOURS = /** @type {const} */ (["1", "24", "168"]);

/** @typedef {{id: string, state: "open" | "used" | "revoked" | "expired", expires_at: string, used_by: {name: string} | null}} Link */

/** @param {import("./api.js").Api} api @param {import("./client.js").SpaceClient} client */
export async function guestLinksSheet(api, client) {
  const path = `/v1/spaces/${client.id}/guest-links`;
  /** @type {Link[]} */
  let links = [];
  let made = "";
  const load = async () => {
    ({ guest_links: links } = await api.get(path));
    sheet.draw();
  };
  const sheet = openSheet(t("guest_link.title"), () => linksView(made, links), {
    make: async () => {
      const hours = /** @type {HTMLSelectElement} */ (sheet.dialog.querySelector("#guest-hours")).value;
      ({ url: made } = await api.post(path, { hours: Number(hours) }));
      await load();
      /** @type {HTMLElement | null} */ (sheet.dialog.querySelector("[data-action=copy]"))?.focus();
    },
    copy: () => copy(sheet.dialog),
    revoke: async (control) => {
      await api.delete(`${path}/${control.dataset.link}`);
      await load();
    },
  });
  const again = () => load().catch(() => {}); // somebody has come to the stage, perhaps by one of them
  client.addEventListener("role", again);
  sheet.closed.then(() => client.removeEventListener("role", again));
  await load();
}

/** @param {string} made the address of the newest link @param {Link[]} links */
function linksView(made, links) {
  return [
    h("p", {}, t("guest_link.how")),
    made
      ? h(
        "div.copy",
        { "data-key": "made" },
        h("label.hidden", { for: "guest-url" }, t("guest_link.address")),
        h("input", { id: "guest-url", readonly: true, value: made }),
        button("copy", t("guest_link.copy"), { icon: "copy", kind: "primary" }),
        h("p.hint", {}, t("guest_link.once")),
      )
      : null,
    h(
      "div.make-link",
      { "data-key": "make" },
      field("guest-hours", t("guest_link.hours"), { choices: HOURS.map((hours) => [hours, t(`guest_link.hours.${hours}`)]), value: "24" }),
      button("make", t(made ? "guest_link.another" : "guest_link.make"), { kind: made ? "" : "primary", icon: "link" }),
    ),
    links.length > 0 && h("ul.things", { "data-key": "links", "aria-label": t("guest_link.list") }, links.slice(0, 20).map(linkView)),
  ];
}

/** @param {Link} link */
function linkView({ id, state, expires_at: end, used_by: guest }) {
  return h(
    "li.thing",
    { "data-key": id, "data-status": state },
    h("span.thing-icon", {}, icon("link")),
    h("span.thing-what", {}, t(`guest_link.state.${state}`, { time: timeText(end), name: guest?.name ?? "" })),
    state === "open" && button("revoke", t("guest_link.revoke"), { "data-link": id, "aria-label": t("guest_link.revoke_label", { time: timeText(end) }) }),
  );
}

/** @param {HTMLElement} root */
async function copy(root) {
  const input = /** @type {HTMLInputElement} */ (root.querySelector("#guest-url"));
  input.select();
  try {
    await navigator.clipboard.writeText(input.value);
  } catch {
    if (!document.execCommand("copy")) return toast(t("guest_link.copy_by_hand")); // selected already
  }
  toast(t("guest_link.copied"));
}
