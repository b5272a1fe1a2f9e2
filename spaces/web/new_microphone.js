/** Microphones come and go while one speaks: a new one is offered; for one that is gone the SDK takes another, which is told. */
import { toast } from "./dialogs.js";
import { chooseMicrophone, microphones } from "./microphone.js";
import { t } from "./text.js";

/** Names of the system's own choice among the others. */
const SYNONYMS = ["", "default", "communications"];

/**
 * @param {import("./page_space.js").Model} model @param {() => void} draw
 * @returns {(take: boolean) => Promise<void>} answers the offer of a new one
 */
export function followMicrophones(model, draw) {
  const { client } = model;
  /** @type {Set<string>} */
  let known = new Set();
  /** @type {MediaDeviceInfo | null} */
  let offered = null;
  const list = async () => (await microphones()).filter(({ deviceId }) => !SYNONYMS.includes(deviceId));
  const offer = (/** @type {MediaDeviceInfo | null} */ device) => {
    offered = device;
    model.newMicrophone = device?.label ?? "";
    draw();
  };

  navigator.mediaDevices?.addEventListener?.("devicechange", async () => {
    const now = await list();
    const fresh = now.find(({ deviceId, label }) => label && !known.has(deviceId));
    const gone = offered && !now.some(({ deviceId }) => deviceId === offered?.deviceId);
    if (known.size && fresh && client.speaking) offer(fresh);
    else if (gone) offer(null);
    known = new Set(now.map(({ deviceId }) => deviceId));
  });

  client.addEventListener("microphone", async () => {
    if (client.speaking) known = new Set((await list()).map(({ deviceId }) => deviceId));
    else if (offered) offer(null);
  });
  client.on("device", (name) => toast(t("event.other_microphone", { name })));

  return async (take) => {
    const device = offered;
    offer(null);
    if (!take || !device) return;
    chooseMicrophone(device.deviceId);
    await client.speak({ deviceId: device.deviceId });
    toast(t("event.microphone", { name: device.label }));
  };
}
