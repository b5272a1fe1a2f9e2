/** What is stored about one: all of it as a file, and an end to it. */
import { noteSession, setToken } from "./account.js";
import { ask } from "./dialogs.js";
import { h } from "./dom.js";
import { saveFile } from "./download.js";
import { actButton, field } from "./forms.js";
import { button } from "./parts.js";
import { t } from "./text.js";

/** What the API wants to read, in whatever language the page is. */
const CONFIRMATION = "delete my account";

/** @param {import("./parts_page.js").PartOf} part @returns {import("./parts_page.js").Part} */
export function dataPart({ api, acts }) {
  return {
    load: async () => {},
    view: () => h(
      "section.panel",
      { "aria-labelledby": "data-title" },
      h("h2", { id: "data-title" }, t("data.title")),
      h("p.quiet", {}, t("data.what")),
      (acts.of("export") ?? acts.of("deletion")) && h("p.notice", { role: "alert" }, (acts.of("export") ?? acts.of("deletion"))?.text),
      h(
        "div.row",
        {},
        actButton(acts, "export", "export", t("data.export"), { icon: "down" }),
        actButton(acts, "deletion", "deletion", t("data.delete"), { "aria-haspopup": "dialog" }),
      ),
    ),
    actions: {
      export: () => acts.run("export", async () => {
        const told = await api.get("/v1/me/export");
        saveFile(JSON.stringify(told, null, 2), "my-data.json", "application/json");
      }),
      deletion: async () => {
        const confirm = await askWhetherSure();
        if (confirm === null) return;
        const done = await acts.run("deletion", () => api.post("/v1/me/deletion", { confirm }));
        if (!done) return;
        noteSession(false);
        setToken(null);
        location.assign("/");
      },
    },
  };
}

/** @returns {Promise<string | null>} what was typed */
async function askWhetherSure() {
  const answer = await ask(t("data.delete_title"), [
    h("p", {}, t("data.delete_what")),
    field("confirm", t("data.confirm", { words: CONFIRMATION }), { autocapitalize: "none", spellcheck: "false", maxlength: 40 }),
    h("div.row", {}, button("cancel", t("app.cancel")), button("delete", t("data.delete"), { kind: "primary" })),
  ]);
  if (!answer) return null;
  return /** @type {HTMLInputElement} */ (answer.dialog.querySelector("#confirm")).value.trim();
}
