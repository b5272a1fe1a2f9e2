"""Figures with what they were measured on."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
from dataclasses import dataclass, field
from pathlib import Path

PACKAGES = ("aiortc", "av", "numba", "numpy", "pylibsrtp", "uvloop")


@dataclass(slots=True)
class Report:
    """`figures` maps a name, ending in its unit, to a number; `promises` names those that must hold, and whether they do."""

    name: str
    figures: dict[str, float | int | None] = field(default_factory=dict)
    promises: dict[str, bool] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        return all(self.promises.values())

    def json(self) -> str:
        whole = {
            "name": self.name,
            "figures": self.figures,
            "promises": self.promises,
            "machine": machine(),
            "versions": versions(),
        }
        return json.dumps(whole, indent=2) + "\n"

    def table(self) -> str:
        width = max(map(len, self.figures), default=0)
        lines = [self.name, ""]
        lines += [f"  {name:<{width}}  {_number(value)}" for name, value in self.figures.items()]
        lines += ["", *(f"  {'kept' if kept else 'BROKEN':<6}  {promise}" for promise, kept in self.promises.items())]
        lines += ["", "  " + ", ".join(f"{k} {v}" for k, v in machine().items())]
        lines += ["  " + ", ".join(f"{k} {v}" for k, v in versions().items())]
        return "\n".join(lines)


def machine() -> dict[str, str | int]:
    return {
        "cpu": _cpu_name(),
        "cores": os.cpu_count() or 0,
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "kernel": platform.release(),
    }


def versions() -> dict[str, str]:
    found = {name: importlib.metadata.version(name) for name in PACKAGES}
    return {"spaces": importlib.metadata.version("spaces"), "python": platform.python_version(), **found}


def _cpu_name() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _number(value: float | int | None) -> str:
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.3f}"
