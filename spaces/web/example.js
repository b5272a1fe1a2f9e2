/** The SDK in a page of one's own; see docs/sdk.md. On another site, import it from your server's address. */
import { MicrophoneError, ProblemError, SpaceClient } from "./client.js";

const wanted = new URLSearchParams(location.search);
const space = wanted.get("space") ?? "";
/** @type {HTMLElement} */ (document.querySelector("audio-space")).setAttribute("space", space);

/** @param {string} id */
const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

const client = new SpaceClient({ space, token: wanted.get("token"), client: "example" });

client.on("state", (state) => (element("state").textContent = client.problem?.detail ?? state));
client.on("sound", ({ after }) => console.log(`first sound ${after.toFixed(0)} ms after the tap`));
client.on("speaking", (levels) => {
  const names = new Map(client.space?.stage.map(({ account }) => [account.id, account.name]));
  element("levels").replaceChildren(...Object.entries(levels).map(([account, level]) => {
    const line = document.createElement("li");
    line.textContent = `${names.get(account) ?? account}: ${level.toFixed(0)} dBFS`;
    return line;
  }));
});

setInterval(async () => {
  const stats = await client.stats();
  element("stats").replaceChildren(...Object.entries(stats ?? {}).flatMap(([name, value]) => {
    const [term, figure] = [document.createElement("dt"), document.createElement("dd")];
    term.textContent = name;
    figure.textContent = String(value);
    return [term, figure];
  }));
}, 1_000);

/** A refusal is shown. @param {string} id @param {() => Promise<unknown>} act */
const onTap = (id, act) => element(id).addEventListener("click", async () => {
  try {
    await act();
  } catch (error) {
    if (error instanceof ProblemError) element("state").textContent = error.problem.detail ?? error.problem.code;
    else if (error instanceof MicrophoneError) element("state").textContent = `no microphone: ${error.code}`;
    else throw error;
  }
});
onTap("listen", () => client.listen());
onTap("leave", () => client.leave());
onTap("ask", () => client.raiseHand());
onTap("speak", () => client.speak());
addEventListener("pagehide", () => client.close());
