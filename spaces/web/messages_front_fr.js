/** In French: see messages_front_en.js. @type {import("./text.js").Messages} */
export const messages = {
  "front.title": "Écoutez celles et ceux qui parlent en ce moment",
  "front.live": "En direct",
  "front.scheduled": "À venir",
  "front.no_live": "Personne n’est en direct en ce moment.",
  "front.no_live_open": "Ce qui est en direct ne vous est pas encore ouvert : voyez plus bas.",
  "front.no_scheduled": "Rien n’est encore prévu.",
  "front.no_scheduled_open": "Ce qui est prévu ne vous est pas encore ouvert : voyez plus bas.",
  "front.search": "Trouver un Space : mots, thème, nom",
  "front.found": "Résultats",
  "front.none_found": "Rien en direct ni de prévu à ce sujet.",
  "front.no_topic": "Ne plus se limiter à {topic}",
  "front.own": "Ouvrir votre propre Space",

  "card.may_join": "Vous pouvez entrer",
  "card.by": "avec {name}",
  "card.listeners": { one: "{count} à l’écoute", other: "{count} à l’écoute" },

  "front.shut": "Pour les Super Abonnés, les détenteurs d’un billet et les membres",
};
