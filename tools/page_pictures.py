"""The pictures of docs/page.md, put together from what tools.screenshots has made:

python -m tools.page_pictures DIR
"""

from __future__ import annotations

import argparse
from pathlib import Path

from PIL import Image

DOCS = Path(__file__).resolve().parent.parent / "docs" / "page"
WIDTH, GAP, GREY = 1400, 14, (200, 194, 184)
QUALITY = 70
SHEETS = {
    "phone-light": ("front", "creator-two-prices", "talk-listener", "door-offer"),
    "phone-dark": ("sound-check", "live-speaking", "pay", "studio-team"),
    "phone-french": ("french-front", "french-planned", "french-host", "french-account"),
    "desk": ("host-full-stage", "studio-charts"),
}
"""What stands side by side; the name begins with the size."""
SCHEMES = {
    "phone-light": ("light",),
    "phone-dark": ("dark",),
    "phone-french": ("light", "dark"),
    "desk": ("light", "dark"),
}
"""In turn."""


def sheet(folder: Path, name: str) -> Image.Image:
    size, schemes = name.partition("-")[0], SCHEMES[name]
    scenes = SHEETS[name]
    pictures = [
        Image.open(folder / f"{scene}.{size}.{schemes[number % len(schemes)]}.png").convert("RGB")
        for number, scene in enumerate(scenes)
    ]
    width = (WIDTH - GAP * (len(pictures) - 1)) // len(pictures)
    height = round(pictures[0].height * width / pictures[0].width)
    whole = Image.new("RGB", (WIDTH, height), GREY)
    for number, picture in enumerate(pictures):
        whole.paste(picture.resize((width, height), Image.Resampling.LANCZOS), (number * (width + GAP), 0))
    return whole


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.page_pictures", description="The pictures of docs/page.md.")
    parser.add_argument("folder", type=Path, metavar="DIR", help="of tools.screenshots")
    folder = parser.parse_args().folder
    for name in SHEETS:
        sheet(folder, name).save(DOCS / f"{name}.webp", quality=QUALITY, method=6)


if __name__ == "__main__":
    main()
