/** What one is called. */
import { toast } from "./dialogs.js";
import { h } from "./dom.js";
import { field, form, typed } from "./forms.js";
import { face, handleText } from "./parts.js";
import { t } from "./text.js";

/** @param {import("./parts_page.js").PartOf} part @returns {import("./parts_page.js").Part} */
export function profilePart({ api, me, acts }) {
  const local = me.address !== null; // who signs in here; a site's accounts are called what the site says
  return {
    load: async () => {},
    view: () => h(
      "section.panel",
      { "aria-labelledby": "profile-title" },
      h(
        "div.who",
        {},
        face(me),
        h(
          "div",
          {},
          h("h2", { id: "profile-title" }, me.name),
          h("p.quiet", {}, [me.handle && handleText(me.handle), me.address].filter(Boolean).join(" · ")),
        ),
      ),
      !local && h("p.quiet", {}, t("profile.of_site")),
      local && form("profile", acts, t("app.save"), (trouble) => [
        field("profile-name", t("profile.name"), {
          name: "name",
          autocomplete: "name",
          required: true,
          maxlength: 100,
          value: me.name,
          trouble: trouble("name"),
        }),
        me.handle === null && field("profile-handle", t("profile.handle"), {
          name: "handle",
          autocapitalize: "none",
          spellcheck: "false",
          maxlength: 31,
          hint: t("profile.handle_once"),
          trouble: trouble("handle"),
        }),
      ], { kind: "" }),
    ),
    actions: {
      profile: (control) => acts.run("profile", async () => {
        const { name, handle } = typed(control);
        const { account } = await api.patch("/v1/me", { name, ...(handle && { handle }) });
        Object.assign(me, account);
        toast(t("app.saved"));
      }),
    },
  };
}
