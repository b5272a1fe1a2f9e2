"""Where tests keep their files: in memory where there is room, for a database is many small files that wait for the disk."""

from __future__ import annotations

import shutil
from pathlib import Path

MEMORY = Path("/dev/shm")
BYTES_MIN = 2 * 1024**3


def quick_folder() -> str | None:
    """None: wherever temporary files are."""
    return str(MEMORY) if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= BYTES_MIN else None
