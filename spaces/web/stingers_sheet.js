/** A host's short sounds: brought from files, heard first, played to everybody, deleted. */
import { Acts } from "./acts.js";
import { ProblemError } from "./api.js";
import { ask, openSheet } from "./dialogs.js";
import { h, icon } from "./dom.js";
import { field, form, typed } from "./forms.js";
import { button } from "./parts.js";
import { t } from "./text.js";

/** As the server takes them. */
const BYTES_MAX = 4 * 2 ** 20;
/** What browsers call a file whose kind they do not know. */
const UNKNOWN = "audio/octet-stream";

/**
 * @typedef {{id: string, name: string, seconds: number}} Stinger
 * @typedef {{id: string, name: string, seconds: number} | null} Playing
 */

/** @param {import("./api.js").Api} api @param {import("./client.js").SpaceClient} client */
export async function stingersSheet(api, client) {
  const path = `/v1/spaces/${client.id}/stingers`;
  /** @type {{stingers: Stinger[], playing: Playing}} */
  let known = { stingers: [], playing: null };
  /** @type {HTMLAudioElement | null} */
  let sample = null;
  const acts = new Acts(() => sheet.draw());
  const load = async () => {
    known = await api.get(path);
    sheet.draw();
  };
  const find = (/** @type {HTMLElement} */ { dataset: { stinger } }) => /** @type {Stinger} */ (known.stingers.find(({ id }) => id === stinger));
  const sheet = openSheet(t("stingers.title"), () => stingersView(known, acts, client.space?.state === "live"), {
    play: async (control) => {
      known.playing = await api.post(`${path}/${find(control).id}/play`);
    },
    stop: () => api.post(`${path}/stop`),
    hear: async (control) => {
      sample?.pause();
      const address = URL.createObjectURL(await api.get(`${path}/${find(control).id}/sound`));
      sample = new Audio(address);
      sample.onended = sample.onerror = () => URL.revokeObjectURL(address);
      await sample.play();
    },
    remove: async (control) => {
      const { id, name } = find(control);
      const sure = await ask(t("stingers.remove_sure", { name }), [
        h("p", {}, t("stingers.remove_what")),
        h("div.row", {}, button("cancel", t("app.cancel")), button("yes", t("stingers.remove"), { kind: "danger" })),
      ]);
      if (!sure) return;
      await api.delete(`${path}/${id}`);
      await load();
    },
    add: async (form) => {
      const input = /** @type {HTMLInputElement} */ (form.querySelector("input[type=file]"));
      const done = await acts.run("add", async () => {
        const [file] = input.files ?? [];
        if (!file) throw new ProblemError({ status: 422, code: "no_file", field: "file" });
        if (file.size > BYTES_MAX) throw new ProblemError({ status: 413, code: "sound_too_large", field: "file" });
        const name = typed(form).name || file.name.replace(/\.\w+$/, "").slice(0, 60);
        const sound = file.type.startsWith("audio/") ? file : new Blob([file], { type: UNKNOWN });
        await api.request("POST", `${path}?${new URLSearchParams({ name })}`, sound);
        await load();
      });
      if (done) /** @type {HTMLFormElement} */ (form).reset();
    },
  });
  const follow = (/** @type {Event} */ event) => {
    const { detail } = /** @type {CustomEvent} */ (event);
    if (detail.type !== "stinger") return;
    known.playing = detail.playing;
    sheet.draw();
  };
  client.addEventListener("message", follow);
  sheet.closed.then(() => {
    client.removeEventListener("message", follow);
    sample?.pause();
  });
  try {
    await load();
  } catch (error) {
    sheet.close();
    throw error;
  }
}

/** @param {{stingers: Stinger[], playing: Playing}} known @param {Acts} acts @param {boolean} live */
function stingersView({ stingers, playing }, acts, live) {
  return [
    h("p.quiet", {}, t(live ? "stingers.how" : "stingers.later")),
    stingers.length === 0
      ? h("p.none", { "data-key": "none" }, t("stingers.none"))
      : h("ul.things", { "data-key": "list", "aria-label": t("stingers.title") }, stingers.map((one) => stingerView(one, playing?.id === one.id, live))),
    h("h3", { "data-key": "add-title" }, t("stingers.add_title")),
    form("add", acts, t("stingers.add"), (trouble) => [
      field("stinger-file", t("stingers.file"), { name: "file", type: "file", accept: "audio/*", hint: t("stingers.file_hint"), trouble: trouble("file") }),
      field("stinger-name", t("stingers.name"), { name: "name", maxlength: 60, hint: t("stingers.name_hint"), trouble: trouble("name") }),
    ], { kind: "" }),
  ];
}

/** @param {Stinger} stinger @param {boolean} isPlaying @param {boolean} live */
function stingerView({ id, name, seconds }, isPlaying, live) {
  const which = { "data-stinger": id };
  return h(
    "li.thing",
    { "data-key": id, "data-playing": isPlaying },
    h("span.thing-icon", {}, icon("note")),
    h("div.thing-what", {}, h("p.thing-name", {}, name), h("p.quiet", {}, isPlaying ? t("stingers.playing") : t("stingers.seconds", { count: Math.round(seconds * 10) / 10 }))),
    h(
      "div.thing-acts",
      {},
      isPlaying
        ? button("stop", t("stingers.stop"), { ...which, kind: "primary", "aria-label": t("stingers.label", { act: t("stingers.stop"), name }), "data-key": "play" })
        : live && button("play", t("stingers.play"), { ...which, kind: "primary", "aria-label": t("stingers.label", { act: t("stingers.play"), name }), "data-key": "play" }),
      button("hear", t("stingers.hear"), { ...which, "aria-label": t("stingers.label", { act: t("stingers.hear"), name }) }),
      h("button.person-more", { type: "button", "data-action": "remove", ...which, "aria-label": t("stingers.label", { act: t("stingers.remove"), name }) }, icon("cross")),
    ),
  );
}
