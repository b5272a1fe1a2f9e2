import { currentCheckout, forgetEntry } from "./checkout.js";
import { h, listen, show } from "./dom.js";
import { button, plainView } from "./parts.js";
import { errorText, priceText, t } from "./text.js";

/** Time to read "paid" before going back, in milliseconds. */
const READ = 700;

/** The checkout of test money. @param {import("./app.js").Page} page */
export async function payPage({ main, api }) {
  const what = currentCheckout();
  const back = what?.back ?? "/";
  /** @type {"open" | "working" | "declined" | "done"} */
  let state = "open";
  let trouble = "";
  const draw = () => show(main, state === "done" ? doneView(back) : payView(what, state, trouble));

  async function pay(/** @type {"succeed" | "decline"} */ outcome) {
    if (state === "working") return;
    [state, trouble] = ["working", ""];
    draw();
    try {
      const { status } = await api.post(location.pathname, { outcome });
      state = outcome === "succeed" && status !== "incomplete" ? "done" : "declined";
    } catch (error) {
      const declined = /** @type {any} */ (error).problem?.status === 402;
      [state, trouble] = declined ? ["declined", ""] : ["open", errorText(error)];
    }
    draw();
    if (state === "done") setTimeout(() => location.assign(back), READ);
  }

  document.title = t("app.title", { title: t("pay.title") });
  listen(main, {
    succeed: () => pay("succeed"),
    decline: () => pay("decline"),
    back: () => {
      forgetEntry();
      location.assign(back);
    },
  });
  draw();
}

/** @param {import("./checkout.js").Checkout | null} what @param {string} state @param {string} trouble */
function payView(what, state, trouble) {
  const working = state === "working";
  return h(
    "section.pay",
    { "data-key": "pay" },
    h("p.test-money", {}, h("strong", {}, t("pay.test")), h("span", {}, t("pay.test_what"))),
    h("h1", { tabindex: "-1" }, t("pay.title")),
    h("p.lead", {}, what ? t("pay.what", what) : t("pay.unknown")),
    what && h("p.offer-price", {}, priceText(what)),
    state === "declined" && h("p.notice", { role: "alert" }, t("pay.declined")),
    trouble && h("p.notice", { role: "alert" }, trouble),
    button("succeed", t(working ? "pay.working" : "pay.succeed"), { kind: "primary big", "aria-disabled": working && "true" }),
    button("decline", t("pay.decline"), { kind: "big", "aria-disabled": working && "true" }),
    button("back", t("pay.back"), { kind: "plain-button" }),
  );
}

/** @param {string} back */
function doneView(back) {
  return plainView(
    { title: t("pay.done"), text: t("pay.done_next"), icon: "check" },
    h("p.test-money", {}, h("strong", {}, t("pay.test")), h("span", {}, t("pay.test_what"))),
    h("a.button", { href: back }, t("pay.back")),
  );
}
