/** The texts of lists of Spaces. @type {import("./text.js").Messages} */
export const messages = {
  "front.title": "Listen to people who are here now",
  "front.live": "Live now",
  "front.scheduled": "Coming up",
  "front.no_live": "Nobody is live at this moment.",
  "front.no_live_open": "What is live now is not open to you yet: see below.",
  "front.no_scheduled": "Nothing is planned yet.",
  "front.no_scheduled_open": "What is planned is not open to you yet: see below.",
  "front.search": "Find a Space: words, a topic, a name",
  "front.found": "Found",
  "front.none_found": "Nothing live or planned is about that.",
  "front.no_topic": "No longer only {topic}",
  "front.own": "Host a Space of your own",

  "card.may_join": "You can come in",
  "card.by": "with {name}",
  "card.listeners": { one: "{count} listening", other: "{count} listening" },

  "front.shut": "For Super Followers, ticket holders and members",
};
