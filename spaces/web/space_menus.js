/** The menus of a Space: what may be done with a person, and with the room. Fetched when one is opened. */
import { ask } from "./dialogs.js";
import { h } from "./dom.js";
import { openMenu } from "./menu.js";
import { button } from "./parts.js";
import { canCaption, isCaptioning, toggleSpeechCaptions } from "./speech_captions.js";
import { t, withTexts } from "./text.js";

/** @typedef {import("./page_space.js").Model} Model @typedef {import("./client.js").Role} Role */

/**
 * What hosts do with people; others can report.
 *
 * @param {Model} model @param {import("./api.js").Api} api @param {HTMLElement} opener its `data-account` says who
 * @param {import("./client.js").Account} [listener] somebody of the audience
 */
export async function personMenu({ client }, api, opener, listener) {
  const id = String(opener.dataset.account);
  const member = client.space?.stage.find(({ account }) => account.id === id);
  const account = member?.account ?? listener;
  if (!account) return;
  const { name } = account;
  const mine = client.you?.role;
  const theirs = member?.role ?? "listener";
  const invited = client.invitations.some((one) => one.account.id === id);
  const over = client.hosting && theirs !== "host" && (mine === "host" || theirs !== "cohost");
  const choice = await openMenu(opener, t("person.actions", { name }), [
    client.hosting && member && theirs !== "host" && !member.muted && { action: "mute", text: t("person.mute"), icon: "mic-off" },
    over && member && { action: "down", text: t("person.bring_down"), icon: "down" },
    invited && { action: "uninvite", text: t("person.uninvite"), icon: "cross" },
    client.hosting && !member && !invited && { action: "invite", text: t("person.invite"), icon: "mic" },
    client.hosting && theirs !== "host" && theirs !== "cohost" && !invited && !account.guest && { action: "cohost", text: t("person.make_cohost"), icon: "star" },
    over && theirs === "cohost" && { action: "speaker", text: t("person.make_speaker"), icon: "mic" },
    mine === "host" && theirs === "cohost" && { action: "hand-over", text: t("person.hand_over"), icon: "swap" },
    over && { action: "remove", text: t("person.remove"), icon: "leave", danger: true },
    over && { action: "block", text: t("person.block"), icon: "block", danger: true },
    { action: "report", text: t("person.report"), icon: "flag", danger: true },
  ]);
  if (choice) await ACTS[choice]({ client, api, account, role: theirs });
}

/** @typedef {{client: import("./client.js").SpaceClient, api: import("./api.js").Api, account: import("./client.js").Account, role: Role}} Whom */

/** @type {Record<string, (whom: Whom) => unknown>} */
const ACTS = {
  mute: ({ client, account }) => client.muteOther(account.id),
  down: ({ client, account }) => client.bringDown(account.id),
  invite: ({ client, account }) => client.invite(account.id),
  uninvite: ({ client, account }) => client.uninvite(account.id),
  cohost: ({ client, api, account, role }) =>
    role === "listener"
      ? client.invite(account.id, "cohost")
      : api.post(`/v1/spaces/${client.id}/speakers`, { account: account.id, role: "cohost" }),
  speaker: ({ client, api, account }) => api.post(`/v1/spaces/${client.id}/speakers`, { account: account.id, role: "speaker" }),
  "hand-over": async ({ client, account }) => {
    if (await sure("hand_over", account.name, "primary")) await client.handOver(account.id);
  },
  remove: async ({ client, account }) => {
    if (await sure("remove", account.name)) await client.remove(account.id);
  },
  block: async ({ client, account }) => {
    if (await sure("block", account.name)) await client.block(account.id);
  },
  report: async ({ client, account }) => (await withTexts("hosting", import("./report_sheet.js"))).reportSheet(client, account),
};

/** @param {"hand_over" | "remove" | "block"} act @param {string} name @param {string} [kind] */
async function sure(act, name, kind = "danger") {
  const answer = await ask(t(`sure.${act}`, { name }), [
    h("p", {}, t(`sure.${act}_what`, { name })),
    h("div.row", {}, button("cancel", t("app.cancel")), button("yes", t(`person.${act}`), { kind })),
  ]);
  return answer !== null;
}

/** What can be done with the Space. @param {Model} model @param {import("./app.js").Page} page @param {HTMLElement} opener */
export async function roomMenu(model, page, opener) {
  const { client, space } = model;
  const hosting = client.hosting;
  const known = Boolean(client.you?.account); // by an account or as a guest
  const others = space.stage.some(({ account, role, muted }) => role !== "host" && !muted && account.id !== client.you?.account?.id);
  const choice = await openMenu(opener, t("room.menu"), [
    model.me && { action: "people", text: t("room.people"), icon: "people" },
    client.onStage && { action: "sound", text: t("room.sound"), icon: "mic" },
    client.onStage && matchMedia("(hover: hover)").matches && { action: "keys", text: t("room.keys"), icon: "keys" },
    client.speaking && space.captions !== "off" && canCaption()
      && { action: "speech", text: t(isCaptioning(client) ? "room.speech_off" : "room.speech"), icon: "captions" },
    hosting && { action: "guest-link", text: t("room.guest_link"), icon: "link" },
    hosting && space.access.some(({ policy }) => policy === "invite") && { action: "invited", text: t("room.invited"), icon: "mail" },
    client.you?.role === "host" && space.access.some(({ policy }) => policy === "ticketed") && { action: "tickets", text: t("room.tickets"), icon: "ticket" },
    hosting && { action: "health", text: t("room.health"), icon: "pulse" },
    hosting && { action: "stingers", text: t("room.stingers"), icon: "note" },
    hosting && others && { action: "mute-all", text: t("room.mute_all"), icon: "mic-off" },
    hosting && { action: "lock", text: t(space.locked ? "room.unlock" : "room.lock"), icon: "lock" },
    hosting && { action: "settings", text: t("room.settings"), icon: "settings" },
    hosting && { action: "blocks", text: t("room.blocks"), icon: "block" },
    { action: "report", text: t("room.report"), icon: "flag" },
    client.you?.role === "host" && space.state === "live" && { action: "end", text: t("action.end_all"), icon: "cross", danger: true },
  ]);
  const { api } = page;
  switch (choice) {
    case "people":
      return (await withTexts("hosting", import("./people_sheet.js"))).peopleSheet(model, api);
    case "sound":
      return (await withTexts("stage hosting", import("./sound_check.js"))).changeMicrophone(client);
    case "speech":
      return toggleSpeechCaptions(client);
    case "keys":
      return (await withTexts("hosting", import("./keys_sheet.js"))).keysSheet();
    case "guest-link":
      return (await withTexts("hosting", import("./guest_links_sheet.js"))).guestLinksSheet(api, client);
    case "invited":
      return (await withTexts("hosting", import("./invited_sheet.js"))).invitedSheet(api, client.id);
    case "tickets":
      return (await withTexts("hosting pages", import("./tickets_sheet.js"))).ticketsSheet(api, client.id);
    case "health":
      return (await withTexts("hosting", import("./health_sheet.js"))).healthSheet(api, client.id);
    case "stingers":
      return (await withTexts("hosting", import("./stingers_sheet.js"))).stingersSheet(api, client);
    case "mute-all":
      return client.muteAll();
    case "lock":
      return client.lock(!space.locked);
    case "settings":
      return (await withTexts("hosting pages", import("./room_settings.js"))).settingsSheet(api, space, client.you?.role === "host");
    case "blocks":
      return (await withTexts("hosting", import("./blocks_sheet.js"))).blocksSheet(api, client.id);
    case "report":
      return known ? (await withTexts("hosting", import("./report_sheet.js"))).reportSheet(client) : page.signIn();
    case "end":
      return endSheet(api, client.id);
  }
}

/** @param {import("./api.js").Api} api @param {string} space */
export async function endSheet(api, space) {
  const answer = await ask(t("action.end_sure"), [
    h("p", {}, t("action.end_what")),
    h("div.row", {}, button("cancel", t("app.cancel")), button("end-now", t("action.end_all"), { kind: "danger" })),
  ]);
  if (answer) await api.post(`/v1/spaces/${space}/end`);
}
