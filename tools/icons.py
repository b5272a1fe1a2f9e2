"""Draws the page's icons as PNG from `spaces/web/icon.svg`, for phones that install the page:

python -m tools.icons
"""

from __future__ import annotations

import re
from pathlib import Path

from PIL import Image, ImageDraw

import spaces

WEB = Path(spaces.__file__).parent / "web"
FINER = 4
"""Drawn so many times as large, and made smaller: soft edges."""
SAFE = 0.78
"""Of a maskable icon's width: what lies outside may be cut off (W3C manifest, 40 % around the middle)."""


def draw(size: int, *, maskable: bool = False) -> Image.Image:
    """The svg is a rounded square with upright bars; another drawing wants another program."""
    svg = (WEB / "icon.svg").read_text()
    box = _number(r'viewBox="0 0 (\d+)', svg)
    ground, ink = re.findall(r'(?:fill|stroke)="(#\w+)"', svg)
    width = _number(r'stroke-width="([\d.]+)"', svg)
    scale = size * FINER / box
    inner = scale * (SAFE if maskable else 1)
    shift = (size * FINER - inner * box) / 2
    image = Image.new("RGBA", (size * FINER,) * 2, ground if maskable else (0, 0, 0, 0))
    pen = ImageDraw.Draw(image)
    if not maskable:
        corner = (size * FINER - 1,) * 2
        pen.rounded_rectangle(((0, 0), corner), _number(r'rx="(\d+)"', svg) * scale, fill=ground)
    for x, y, length in re.findall(r"M([\d.]+) ([\d.]+)v([\d.]+)", svg):
        left, top = shift + (float(x) - width / 2) * inner, shift + (float(y) - width / 2) * inner
        right, bottom = left + width * inner, top + (float(length) + width) * inner
        pen.rounded_rectangle((left, top, right, bottom), width / 2 * inner, fill=ink)
    return image.resize((size, size), Image.Resampling.LANCZOS)


def _number(pattern: str, text: str) -> float:
    found = re.search(pattern, text)
    assert found, pattern
    return float(found[1])


def main() -> None:
    for name, size, maskable in (
        ("icon-192.png", 192, False),
        ("icon-512.png", 512, False),
        ("icon-maskable-512.png", 512, True),
        ("icon-apple-180.png", 180, True),  # iOS rounds the corners itself
    ):
        draw(size, maskable=maskable).quantize(64).save(WEB / name, optimize=True)


if __name__ == "__main__":
    main()
