/** In French: see messages_stage_en.js. @type {import("./text.js").Messages} */
export const messages = {
  "banner.muted": "Un hôte a coupé votre micro",
  "banner.muted_how": "Vous seul pouvez le rouvrir.",
  "stage.unheard": "Vous parlez, mais votre micro est coupé.",
  "stage.unheard_touch": "Touchez le bouton du micro, ou maintenez-le pendant que vous parlez.",
  "stage.unheard_how": "Appuyez sur M, ou maintenez la barre d’espace ou le bouton du micro pendant que vous parlez.",
  "banner.new_microphone": "Un nouveau micro est branché",
  "banner.use_microphone": "L’utiliser",
  "banner.keep_microphone": "Garder celui-ci",

  "action.mute": "Couper le micro",
  "action.unmute": "Rouvrir le micro",
  "action.mute_key": "Couper le micro (touche M)",
  "action.unmute_key": "Rouvrir le micro (touche M), ou maintenir pour parler",
  "action.talking": "Vous parlez…",
  "action.mic_on": "Allumer le micro",
  "action.step_down": "Quitter la scène",

  "status.on_stage": "Sur scène : les autres vous entendent.",
  "status.on_stage_muted": "Sur scène, micro coupé.",
  "status.on_stage_silent": "Sur scène. Votre micro est éteint.",
  "status.holding": "On vous entend tant que vous maintenez.",
  "status.green_room": "Seule la scène vous entend jusqu’au début du Space.",

  "event.muted": "Micro coupé",
  "event.unmuted": "Micro rouvert",
  "event.microphone": "Vous parlez maintenant dans {name}",
  "event.other_microphone": "Votre micro n’est plus là. Vous parlez maintenant dans {name}.",

  "microphone.insecure":
    "Il n’y a pas de micro sur cette page, car elle n’a pas été ouverte par une connexion sécurisée (https). Les navigateurs "
    + "n’autorisent le micro que là. Vous pouvez écouter ; pour parler, ouvrez ce Space à une adresse https.",
  "microphone.unsupported": "Ce navigateur ne sait pas utiliser un micro sur une page web. Vous pouvez continuer à écouter.",
  "microphone.denied":
    "Le micro est bloqué pour cette page. Autorisez-le dans le navigateur, en général par l’icône à gauche de l’adresse, puis "
    + "réessayez.",
  "microphone.denied.chrome":
    "Le micro est bloqué pour cette page. Cliquez sur l’icône à gauche de l’adresse, activez-y le micro, puis réessayez.",
  "microphone.denied.firefox":
    "Le micro est bloqué pour cette page. Cliquez sur le micro barré à gauche de l’adresse, levez le blocage, puis réessayez.",
  "microphone.denied.safari":
    "Le micro est bloqué pour cette page. Dans le menu Safari, choisissez Réglages pour ce site web, autorisez le micro, puis "
    + "réessayez.",
  "microphone.denied.ios":
    "Le micro est bloqué pour cette page. Touchez le signe à côté de l’adresse, puis Réglages du site web, autorisez le micro, "
    + "et réessayez. S’il n’y figure pas : Réglages du téléphone, le navigateur, Micro.",
  "microphone.denied.android":
    "Le micro est bloqué pour cette page. Touchez le signe à gauche de l’adresse, puis Autorisations, autorisez le micro, et "
    + "réessayez. Les paramètres du téléphone doivent aussi l’accorder au navigateur.",
  "microphone.missing": "Aucun micro n’a été trouvé. Branchez-en un, puis réessayez.",
  "microphone.busy": "Le micro n’a pas pu être ouvert ; un autre programme l’utilise peut-être. Fermez-le, puis réessayez.",
  "microphone.lost": "Votre micro a été déconnecté. Branchez-le, puis rallumez-le.",
};
