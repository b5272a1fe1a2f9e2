/** Sharing an address: by the system's own sheet where there is one, else by copying. */
import { copyText } from "./clipboard.js";
import { ask, toast } from "./dialogs.js";
import { h } from "./dom.js";
import { button } from "./parts.js";
import { t } from "./text.js";

/** @param {{title: string, url: string, picture: string}} what */
export async function shareSheet({ title, url, picture }) {
  const data = { title, url };
  const answer = await ask(t("share.title"), [
    h("img.share-picture", { src: picture, alt: t("share.picture", { title }), width: 1200, height: 630 }),
    h("div.field", {}, h("label", { for: "share-link" }, t("share.link")), h("input", { id: "share-link", type: "text", readonly: true, value: url })),
    h(
      "div.row",
      {},
      button("cancel", t("app.close")),
      canShare(data) && button("share-on", t("share.on"), { icon: "share" }),
      button("copy", t("share.copy"), { kind: "primary" }),
    ),
  ]);
  if (answer?.action === "copy") await copy(url);
  if (answer?.action === "share-on") {
    await navigator.share(data).catch((error) => {
      if (error.name !== "AbortError") return copy(url); // given up is no failure
    });
  }
}

/** @param {{title: string, url: string}} data */
const canShare = (data) => Boolean(navigator.share) && (navigator.canShare?.(data) ?? true);

/** @param {string} text */
const copy = async (text) => toast(t(await copyText(text) ? "share.copied" : "share.by_hand"));
