/** What one asked to be reminded of: told here once, wherever one is on the page. */
import { h, icon, listen, show } from "./dom.js";
import { t, timeText } from "./text.js";

/** How often it is looked at whether anything is to be told, in milliseconds. */
const LOOK_EVERY = 60_000;

/**
 * @typedef {{id: string, kind: "begins" | "moved" | "cancelled", starts_at: string | null, was_at: string | null,
 *   space: import("./client.js").Space}} Notice
 */

/** @param {import("./api.js").Api} api */
export function watchNotices(api) {
  /** @type {Notice[]} */
  let shown = [];
  const box = h("div.notices", { role: "status", "aria-live": "polite" });
  document.querySelector("main")?.before(box);
  const draw = () => show(box, shown.map(noticeView));
  listen(box, {
    "close-notice": (control) => {
      shown = shown.filter(({ id }) => id !== control.dataset.notice);
      draw();
    },
  });

  async function look() {
    const { reminders, notices } = await api.get("/v1/me/reminders");
    if (notices.length) {
      const which = notices.map((/** @type {Notice} */ { id }) => id);
      const { notices: ours } = await api.post("/v1/me/reminders/seen", { notices: which }); // another tab may have shown it
      shown = [...shown, ...notices.filter((/** @type {Notice} */ { id, space }) =>
        ours.includes(id) && location.pathname !== `/s/${space.id}`)]; // its own page says so anyway
      draw();
    }
    return reminders.length > 0;
  }

  const again = async () => {
    let more = true;
    if (document.visibilityState === "visible") more = await look().catch(() => true); // a broken network is the page's to tell
    if (more) setTimeout(again, LOOK_EVERY);
  };
  addEventListener("spaces:reminded", () => setTimeout(again, LOOK_EVERY), { once: true });
  again();
}

/** @param {Notice} notice */
function noticeView({ id, kind, space, starts_at: start, was_at: was }) {
  const begins = space.state === "live" ? "notice.live" : "notice.soon";
  const values = {
    title: space.title,
    creator: space.creator.name,
    time: start ? timeText(start) : "",
    before: was ? timeText(was) : "",
  };
  const undated = { moved: "notice.dated", cancelled: "notice.cancelled_undated" };
  const key = kind === "begins" ? begins : was ? `notice.${kind}` : undated[kind];
  return h(
    "div.notice-card",
    { "data-key": id, "data-kind": kind },
    icon("bell"),
    h("p", {}, h("a", { href: `/s/${space.id}` }, t(key, values))),
    h("button.person-more.close", {
      type: "button", "data-action": "close-notice", "data-notice": id, "aria-label": t("app.close"),
    }, icon("cross")),
  );
}
