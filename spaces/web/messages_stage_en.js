/** The texts of those who speak: the microphone and what may be wrong with it. @type {import("./text.js").Messages} */
export const messages = {
  "banner.muted": "A host muted you",
  "banner.muted_how": "Only you can unmute yourself.",
  "stage.unheard": "You are talking, but you are muted.",
  "stage.unheard_touch": "Tap the microphone’s button, or hold it while you talk.",
  "stage.unheard_how": "Press M, or hold the space bar or the microphone’s button while you talk.",
  "banner.new_microphone": "There is a new microphone",
  "banner.use_microphone": "Use it",
  "banner.keep_microphone": "Stay with this one",

  "action.mute": "Mute",
  "action.unmute": "Unmute",
  "action.mute_key": "Mute (key M)",
  "action.unmute_key": "Unmute (key M), or hold to talk",
  "action.talking": "Talking…",
  "action.mic_on": "Turn on microphone",
  "action.step_down": "Step down",

  "status.on_stage": "On stage: the others hear you.",
  "status.on_stage_muted": "On stage, muted.",
  "status.on_stage_silent": "On stage. Your microphone is off.",
  "status.holding": "You are heard for as long as you hold.",
  "status.green_room": "Only the stage hears you until the Space starts.",

  "event.muted": "Muted",
  "event.unmuted": "Unmuted",
  "event.microphone": "You speak into {name} now",
  "event.other_microphone": "Your microphone is gone. You speak into {name} now.",

  "microphone.insecure":
    "There is no microphone on this page, because it was not opened over a secure connection (https). Browsers allow "
    + "microphones only there. You can listen; to speak, open this Space at an https address.",
  "microphone.unsupported": "This browser cannot use a microphone on web pages. You can go on listening.",
  "microphone.denied":
    "The microphone is blocked for this page. Allow it in the browser – usually by the icon left of the address – and "
    + "try again.",
  "microphone.denied.chrome":
    "The microphone is blocked for this page. Press the icon left of the address, switch the microphone on there, and try "
    + "again.",
  "microphone.denied.firefox":
    "The microphone is blocked for this page. Press the crossed-out microphone left of the address, take the block away, "
    + "and try again.",
  "microphone.denied.safari":
    "The microphone is blocked for this page. In Safari’s menu choose Settings for this website, allow the microphone, and "
    + "try again.",
  "microphone.denied.ios":
    "The microphone is blocked for this page. Press the sign beside the address, then Website Settings, allow the "
    + "microphone, and try again. If it is not there: Settings of the phone, the browser, Microphone.",
  "microphone.denied.android":
    "The microphone is blocked for this page. Press the sign left of the address, then Permissions, allow the microphone, "
    + "and try again. The phone’s own settings must allow it to the browser too.",
  "microphone.missing": "No microphone was found. Plug one in, and try again.",
  "microphone.busy": "The microphone could not be opened; another program may be using it. Close that, and try again.",
  "microphone.lost": "Your microphone was disconnected. Plug it in, and turn it on again.",
};
