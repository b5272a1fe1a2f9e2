import { h, listen, show } from "./dom.js";
import { button, homeLink, plainView } from "./parts.js";
import { errorText, t, withTexts } from "./text.js";
import { dayText } from "./text_rare.js";

/** What a gift's link leads to: the code stands after #, where no log sees it; and buying one, `?of=ada`. @param {import("./app.js").Page} page */
export async function giftPage(page) {
  const { main, api, me } = page;
  const of = new URLSearchParams(location.search).get("of");
  if (of) return (await withTexts("pages door", import("./page_give.js"))).givePage(page, of);
  const code = location.hash.slice(1);
  document.title = t("app.title", { title: t("gift.title") });
  /** @type {any} */
  let gift;
  try {
    gift = await api.post("/v1/gift-links/look", { code });
  } catch (error) {
    const { problem } = /** @type {any} */ (error);
    if (![404, 422].includes(problem?.status)) return show(main, plainView({ title: t("gift.title"), text: errorText(error) }, homeLink()));
    return show(main, plainView({ title: t("gift.none"), text: t("gift.none_text") }, homeLink()));
  }
  let working = false;
  let trouble = "";
  const draw = () => show(main, gift.state === "redeemed" ? doneView(gift) : giftView(gift, me !== null, working, trouble));

  async function redeem() {
    if (working) return;
    [working, trouble] = [true, ""];
    draw();
    try {
      gift = await api.post("/v1/gift-links/redemption", { code });
    } catch (error) {
      trouble = errorText(error);
    }
    working = false;
    draw();
  }

  listen(main, { redeem });
  draw();
}

/** @param {any} gift @param {boolean} signedIn @param {boolean} working @param {string} trouble */
function giftView(gift, signedIn, working, trouble) {
  return h(
    "section.pay",
    { "data-key": "gift" },
    h("h1", { tabindex: "-1" }, t("gift.title")),
    h("p.lead", {}, t("gift.what", { name: gift.tier_name, count: gift.months, creator: gift.creator.name })),
    h("p.quiet", {}, t("gift.free")),
    trouble && h("p.notice", { role: "alert" }, trouble),
    signedIn
      ? button("redeem", t(working ? "gift.working" : "gift.redeem"), { kind: "primary big", "aria-disabled": working && "true" })
      : button("sign-in", t("gift.sign_in"), { kind: "primary big" }),
  );
}

/** @param {any} gift */
function doneView(gift) {
  const waits = Date.parse(gift.starts_at) > Date.now();
  const end = dayText(gift.ends_at);
  const text = t(waits ? "gift.waits" : "gift.done", { end });
  const back = gift.creator.handle ? `/@${gift.creator.handle}` : "/";
  return plainView(
    { title: t("gift.title"), text, icon: "check" },
    h("a.button", { href: back }, t("gift.creator", { creator: gift.creator.name })),
  );
}
