"""The picture that a link to a Space or a creator is shown with elsewhere: a PNG of 1200 × 630, as Open Graph's readers
want it.

The font (Noto Sans, OFL) knows Latin, Greek and Cyrillic letters. A title in another script is not drawn, and the creator
stands in its place: empty boxes say less than nothing, and the words are beside the picture anyway.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Literal

from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 1_200, 630
MARGIN = 84
TITLE_LINES_MAX = 3
TEXT_LENGTH_MAX = 200
COLOURS_MAX = 64
"""Flat colours and the edges of letters need no more, and the file is a third as large."""

PAPER, INK, QUIET, WARM, LINE, WHITE = "#f6f3ee", "#211d1a", "#675f57", "#b0361a", "#e3dcd2", "#ffffff"
FONTS = Path(__file__).parent / "fonts"
Font = ImageFont.FreeTypeFont
BARS = ((8, 14, 18), (13.3, 10, 22), (18.7, 7, 25), (24, 13, 19))
"""The page's icon: x, top and bottom of its four strokes, of 32."""


@dataclass(frozen=True, slots=True)
class Card:
    title: str
    mark: str
    """Live, or when it begins."""
    tone: Literal["live", "calm", "over"]
    creator: str
    handle: str | None
    note: str
    """Who may come in."""


def draw(card: Card) -> bytes:
    """Some 50 ms of work in calls that let no other thread run: not for the process that mixes sound."""
    image = Image.new("RGB", (WIDTH, HEIGHT), PAPER)
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, 18, HEIGHT), fill=WARM if card.tone != "over" else QUIET)
    _brand(pen)
    _mark(pen, card)
    y = 190
    for line in _title(card):
        pen.text((MARGIN, y), line, font=_font("Bold", 72), fill=INK)
        y += 90
    _creator(pen, card)
    file = io.BytesIO()
    image.quantize(COLOURS_MAX, dither=Image.Dither.NONE).save(file, "PNG", optimize=False, compress_level=6)
    return file.getvalue()


def _brand(pen: ImageDraw.ImageDraw) -> None:
    side, x, y = 64, WIDTH - MARGIN - 64, 68
    pen.rounded_rectangle((x, y, x + side, y + side), 18, fill=WARM)
    for across, top, bottom in BARS:
        at = x + across * side / 32
        pen.line((at, y + top * side / 32, at, y + bottom * side / 32), fill=WHITE, width=6)


def _mark(pen: ImageDraw.ImageDraw, card: Card) -> None:
    font = _font("Bold", 34)
    text = _shown(card.mark) or card.tone.title()
    width = pen.textlength(text, font=font)
    ground, ink = (WARM, WHITE) if card.tone == "live" else (LINE, INK)
    pen.rounded_rectangle((MARGIN, 72, MARGIN + width + 56, 132), 30, fill=ground)
    pen.text((MARGIN + 28, 102), text, font=font, fill=ink, anchor="lm")


def _creator(pen: ImageDraw.ImageDraw, card: Card) -> None:
    bold, plain = _font("Bold", 38), _font("Regular", 32)
    handle = "" if card.handle is None else f"@{card.handle}"
    name = _shown(card.creator)
    first = _fitting(name or handle, bold, WIDTH - 2 * MARGIN)
    second = " · ".join(text for text in ((handle if name else ""), _shown(card.note)) if text)
    pen.text((MARGIN, 504), first, font=bold, fill=INK)
    pen.text((MARGIN, 554), _fitting(second, plain, WIDTH - 2 * MARGIN), font=plain, fill=QUIET)


def _title(card: Card) -> list[str]:
    """In lines, the last one cut if need be."""
    font, width = _font("Bold", 72), WIDTH - 2 * MARGIN
    words, lines = (_shown(card.title) or _shown(card.creator) or f"@{card.handle}").split(), [""]
    while words:
        word = words.pop(0)
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width:
            lines[-1] = longer
        elif len(lines) == TITLE_LINES_MAX:
            lines[-1] = _fitting(f"{longer} …", font, width)
            break
        elif lines[-1]:
            lines.append("")
            words.insert(0, word)
        else:  # one word, wider than the picture
            fits = next(n for n in range(len(word), 0, -1) if font.getlength(word[:n]) <= width)
            lines[-1] = word[:fits]
            lines.append("")
            words.insert(0, word[fits:])
    return [line for line in lines if line]


def _fitting(text: str, font: Font, width: int) -> str:
    if font.getlength(text) <= width:
        return text
    kept = text.rstrip("… ")
    while kept and font.getlength(f"{kept}…") > width:
        kept = kept[:-1]
    return f"{kept.rstrip()}…"


def _shown(text: str) -> str:
    """What the font can show of it; empty if it cannot show its letters."""
    text = text[:TEXT_LENGTH_MAX]
    if not all(_known(c) for c in text if c.isalpha()):
        return ""
    return " ".join("".join(c for c in text if c.isspace() or _known(c)).split())


@lru_cache(maxsize=4_096)
def _known(character: str) -> bool:
    if not character.isprintable():
        return False
    font = _font("Bold", 24)
    return bytes(font.getmask(character)) != bytes(font.getmask("\U0010fffe"))


@cache
def _font(weight: Literal["Bold", "Regular"], size: int) -> Font:
    """Laid out letter by letter: the scripts of this font need no shaping, and nothing depends on the machine."""
    return ImageFont.truetype(FONTS / f"NotoSans-{weight}.ttf", size, layout_engine=ImageFont.Layout.BASIC)
