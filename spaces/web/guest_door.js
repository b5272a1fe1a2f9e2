/** For whoever has been sent a guest link and has no account here: a name is enough. */
import { Acts } from "./acts.js";
import { h, icon, listen, show } from "./dom.js";
import { field, form, typed } from "./forms.js";
import { button } from "./parts.js";
import { errorText, t } from "./text.js";

/** What makes the link itself worthless: then one comes in as anybody. */
const WORTHLESS = [404, 410];

/**
 * @param {string} space @param {string} token the link's @param {import("./app.js").Page} page
 * @returns {Promise<{token: string, expires_at: string} | null>} null: this link opens nothing
 */
export async function guestDoor(space, token, { main, api, signIn }) {
  const { title, creator } = await api.get(`/v1/spaces/${space}`);
  return new Promise((resolve) => {
    const door = h("div");
    let worthless = "";
    const draw = () => show(door, worthless ? worthlessView(worthless) : doorView(acts, title, creator.name));
    const acts = new Acts(draw);
    listen(door, {
      "guest-sign-in": signIn, // and comes back to this address
      "guest-on": () => resolve(null),
      guest: async (control) => {
        const { name } = typed(control);
        await acts.run("guest", async () => {
          try {
            resolve(await api.post(`/v1/spaces/${space}/guests`, { token, name }));
          } catch (error) {
            if (!WORTHLESS.includes(/** @type {any} */ (error).problem?.status)) throw error;
            worthless = errorText(error);
          }
        });
      },
    });
    draw();
    main.replaceChildren(door);
    /** @type {HTMLElement | null} */ (door.querySelector("h1"))?.focus();
  });
}

/** @param {Acts} acts @param {string} title @param {string} creator */
function doorView(acts, title, creator) {
  return h(
    "section.narrow.guest-door",
    { "data-key": "guest", "data-view": "guest" },
    h("span.plain-icon", {}, icon("mic")),
    h("h1", { tabindex: "-1" }, t("guest.title")),
    h("p.lead", {}, t("guest.what", { title, creator })),
    form("guest", acts, t("guest.come"), (trouble) => [
      field("guest-name", t("guest.name"), {
        name: "name",
        required: true,
        maxlength: 40,
        autocomplete: "name",
        hint: t("guest.name_hint"),
        trouble: trouble("name"),
      }),
    ], { kind: "primary big", more: [button("guest-sign-in", t("guest.sign_in"), { kind: "plain-button" })] }),
  );
}

/** @param {string} why */
function worthlessView(why) {
  return h(
    "section.plain",
    { "data-key": "worthless", "data-view": "worthless", role: "alert" },
    h("h1", { tabindex: "-1" }, t("guest.over")),
    h("p.lead", {}, why),
    button("guest-on", t("guest.to_space"), { kind: "primary" }),
  );
}
