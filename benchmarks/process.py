"""What a process has used so far, from /proc."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU seconds since its start, resident bytes now."""

    cpu_seconds: float
    resident_bytes: int


def usage(pid: int) -> Usage:
    columns = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ticks = int(columns[11]) + int(columns[12])  # utime, stime: proc(5), counted after the command's name
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return Usage(ticks / os.sysconf("SC_CLK_TCK"), pages * os.sysconf("SC_PAGE_SIZE"))
