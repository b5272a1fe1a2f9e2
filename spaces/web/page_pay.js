import { currentCheckout, forgetEntry } from "./checkout.js";
import { h, listen, show } from "./dom.js";
import { button, plainView } from "./parts.js";
import { errorText, priceText, t } from "./text.js";

/** Time to read "paid" before going back, in milliseconds. */
const READ = 700;

/** The checkout of test money. @param {import("./app.js").Page} page */
export async function payPage({ main, api }) {
  const what = currentCheckout() ?? (await findCheckout(api));
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

/** The address was opened by itself, not from an offer. @param {import("./api.js").Api} api */
async function findCheckout(api) {
  if (!api.token) return null;
  const { subscriptions } = await api.get("/v1/me/subscriptions");
  const found = subscriptions.find((/** @type {any} */ one) => one.checkout_url?.endsWith(location.pathname));
  if (!found) return null;
  const back = found.creator.handle ? `/@${found.creator.handle}` : "/";
  return { ...found, name: found.tier_name, creator: found.creator.name, back };
}

/** @param {import("./checkout.js").Checkout | null} what @param {string} state @param {string} trouble */
function payView(what, state, trouble) {
  const working = state === "working";
  return h(
    "section.pay",
    { "data-key": "pay" },
    h("p.test-money", {}, h("strong", {}, t("pay.test")), h("span", {}, t("pay.test_what"))),
    h("h1", { tabindex: "-1" }, t("pay.title")),
    h("p.lead", {}, what ? t("pay.what", { name: what.name, creator: what.creator }) : t("pay.unknown")),
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
