/**
 * The look of `<audio-space>`, in the colours of the page around it (system colours follow its colour scheme). Sites change it by
 * `--audio-space-accent`, `--audio-space-radius` and by the font that it inherits.
 */
const STYLE = `
:host { display: block; max-inline-size: 34rem; }
:host([hidden]) { display: none; }
* { box-sizing: border-box; }
.box {
  background: Canvas; color: CanvasText; padding: 1rem; border: 1px solid color-mix(in srgb, CanvasText 25%, Canvas);
  border-radius: var(--audio-space-radius, 12px); line-height: 1.45; overflow-wrap: anywhere;
}
p, ul { margin: 0; padding: 0; }
.head, .controls { display: flex; flex-wrap: wrap; gap: .5rem .75rem; align-items: center; }
.head { font-size: .875em; }
.mark { font-weight: 600; }
.mark.live::before { content: "●"; margin-inline-end: .35em; color: var(--audio-space-accent, #c2410c); }
.title { font-size: 1.2em; font-weight: 650; margin-block-start: .25rem; }
.title a { color: inherit; }
.stage { list-style: none; display: flex; flex-wrap: wrap; gap: .5rem; margin-block: .75rem; }
.person {
  display: flex; flex-direction: column; padding: .35rem .7rem; border-radius: 999px;
  border: 2px solid color-mix(in srgb, CanvasText 25%, Canvas);
}
.person[data-speaking] {
  border-color: var(--audio-space-accent, #c2410c);
  box-shadow: 0 0 0 calc(4px * var(--loud, 0)) color-mix(in srgb, var(--audio-space-accent, #c2410c) 45%, transparent);
}
.quiet { font-size: .8em; }
.status { margin-block: .5rem .75rem; }
.notice { margin-block: 0 .75rem; padding-inline-start: .75rem; border-inline-start: 3px solid var(--audio-space-accent, #c2410c); }
button, .button {
  font: inherit; min-block-size: 44px; padding: .4rem 1.1rem; border-radius: 999px; cursor: pointer; text-decoration: none;
  display: inline-flex; align-items: center; background: Canvas; color: CanvasText; border: 1px solid CanvasText;
}
.primary { background: CanvasText; color: Canvas; }
:focus-visible { outline: 3px solid var(--audio-space-accent, #c2410c); outline-offset: 2px; }
.volume { display: inline-flex; align-items: center; gap: .5rem; min-block-size: 44px; }
.volume input { inline-size: 7rem; accent-color: CanvasText; }
@media (prefers-reduced-motion: no-preference) { .person { transition: box-shadow .1s, border-color .2s; } }
`;

/** @type {CSSStyleSheet | undefined} */
let sheet;

/** One for all elements of a page. A constructed sheet: the strictest content security policy has nothing against it. */
export function embedSheet() {
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
  }
  return sheet;
}
