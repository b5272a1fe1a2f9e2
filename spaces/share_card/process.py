"""`python -m spaces.share_card.process`: a card as JSON comes in, its picture goes out. Gives way to everybody else."""

from __future__ import annotations

import json
import os
import sys

from spaces.share_card.draw import Card, draw


def main() -> None:
    os.nice(19)
    sys.stdout.buffer.write(draw(Card(**json.load(sys.stdin))))


if __name__ == "__main__":
    main()
