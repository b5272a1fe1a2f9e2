/**
 * What the SDK tells and takes. Types alone: no page fetches this file.
 *
 * @typedef {import("./api.js").Problem} Problem
 * @typedef {import("./client_state.js").ClientState} ClientState
 * @typedef {import("./microphone.js").MicrophoneOptions} MicrophoneOptions
 * @typedef {"host" | "cohost" | "speaker" | "listener"} Role
 * @typedef {{id: string, handle: string | null, name: string, sub?: string | null, guest?: true}} Account
 * @typedef {{account: Account, role: Role, muted: boolean, connected: boolean}} StageMember
 * @typedef {{account: Account, since: string}} Hand
 * @typedef {{account: Account, role: Role, by: Account, since: string}} Invitation to the stage
 * @typedef {{account: Account | null, role: Role, seat: string, muted: boolean, hand?: boolean,
 *   invitation?: Invitation | null}} You
 * @typedef {{policy: string, tier?: string}} Policy
 * @typedef {{id: string, title: string, state: "scheduled" | "live" | "ended" | "cancelled", creator: Account,
 *   access: Policy[], topics: string[], language: string | null, scheduled_start: string | null,
 *   time_zone: string | null, moved_at?: string | null, moved_from?: string | null, started_at: string | null,
 *   ended_at: string | null, listeners: number, peak_listeners?: number, may_join?: boolean,
 *   locked?: boolean, capacity?: number | null, asking?: "everyone" | "subscribers" | "nobody",
 *   asking_seconds?: number, recording?: boolean, chat?: "off" | "everyone" | "subscribers", chat_seconds?: number,
 *   captions?: "off" | "speakers" | "server", closing_at?: string | null,
 *   stage: StageMember[], you?: {role: Role | null, admitted: boolean, problem: Problem | null, reminder?: {mail: boolean, since: string}}}} Space
 * @typedef {string | null | (() => string | null | Promise<string | null>)} Token An account token, a guest's pass, or what
 *   fetches one: it is asked whenever one enters, also again after a loss.
 *
 * @typedef {object} ClientEvents What is told, by the event's name; the value is the event's `detail`.
 * @property {ClientState} state
 * @property {Space} space The Space, its stage or its count has changed.
 * @property {You} you
 * @property {{account: string, role: Role}} role Somebody's, yours too.
 * @property {Record<string, number>} speaking Loudness in dBFS by account id, of those speaking now; ten times a second.
 * @property {Hand[]} hands Hosts and co-hosts.
 * @property {boolean} hand Yours is raised, or not any more.
 * @property {Invitation[]} invitations Hosts and co-hosts.
 * @property {Invitation | null} invitation Yours.
 * @property {boolean} muted By somebody else.
 * @property {boolean} microphone Open or not.
 * @property {string} device The microphone in use was lost, and this one, by its name, has taken its place.
 * @property {boolean} blocked The browser wants a tap, or has had it.
 * @property {{after: number}} sound The first one: milliseconds from `listen()` to it.
 * @property {import("./client_talk.js").ChatLine[]} chat
 * @property {import("./client_talk.js").Pin[]} pins
 * @property {Record<string, number>} reactions How often each was tapped since the last of these.
 * @property {import("./client_talk.js").Caption} caption
 * @property {Problem} trouble Of a try that will be repeated.
 * @property {any} message Every message of the server, as it came.
 */
export {};
