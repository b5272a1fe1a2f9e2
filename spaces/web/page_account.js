/** One's own account: what one is called, what one pays for, and where one is signed in. */
import { followsPart } from "./account_follows.js";
import { paymentsPart } from "./account_payments.js";
import { profilePart } from "./account_profile.js";
import { sessionsPart } from "./account_sessions.js";
import { ticketsPart } from "./account_tickets.js";
import { signOut } from "./account.js";
import { Acts } from "./acts.js";
import { h, listen, show } from "./dom.js";
import { button, loadingView } from "./parts.js";
import { t } from "./text.js";

/**
 * A part of a page: it loads what it shows, and draws it from what was loaded.
 *
 * @typedef {object} Part
 * @property {() => Promise<void>} load
 * @property {() => Node | null} view null: nothing to show
 * @property {Record<string, (control: HTMLElement) => unknown>} actions
 *
 * What a part works with. `load` reads every part anew.
 *
 * @typedef {{api: import("./api.js").Api, me: import("./app.js").Me, acts: Acts, load: () => Promise<void>}} PartOf
 */

/** How often what is paid for is looked at again, in milliseconds. */
const REFRESH_EVERY = 15_000;

/** @param {import("./app.js").Page} page */
export async function accountPage({ main, api, me, signIn, repeat }) {
  if (!me) return signIn();
  document.title = t("app.title", { title: t("account.title") });
  await partsPage({ main, api, me, repeat }, [profilePart, followsPart, ticketsPart, paymentsPart, sessionsPart], (parts) =>
    h(
      "div.page.account-page",
      { "data-key": "account" },
      h(
        "div.page-head",
        {},
        h("h1", { tabindex: "-1" }, t("account.title")),
        h(
          "div.row",
          {},
          h("a.button", { href: "/studio" }, t(me.creator ? "studio.title" : "studio.become")),
          button("sign-out", t("account.sign_out"), { icon: "leave" }),
        ),
      ),
      parts,
    ), { "sign-out": () => signOut(api) });
}

/**
 * A page of several parts.
 *
 * @param {{main: HTMLElement, api: import("./api.js").Api, me: import("./app.js").Me, repeat: import("./app.js").Page["repeat"]}} page
 * @param {((part: PartOf) => Part)[]} makers @param {(parts: (Node | null)[]) => Node} frame
 * @param {Record<string, () => unknown>} [actions]
 */
export async function partsPage({ main, api, me, repeat }, makers, frame, actions = {}) {
  let loaded = false;
  const draw = () => loaded && show(main, frame(parts.map((part) => part.view())));
  const acts = new Acts(draw);
  const load = async () => {
    await Promise.all(parts.map((part) => part.load()));
    loaded = true;
    draw();
  };
  const parts = makers.map((make) => make({ api, me, acts, load }));
  show(main, loadingView());
  listen(main, Object.assign({}, actions, ...parts.map((part) => part.actions)));
  await repeat(REFRESH_EVERY, async () => {
    if (!acts.busy) await load();
  });
}
