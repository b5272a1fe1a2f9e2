"""Figures with the goals they are held against, and what they were measured on."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

PACKAGES = ("aiortc", "av", "numba", "numpy", "pylibsrtp", "uvloop")

Number = float | int | None


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure beside what it should be. A figure that could not be had (None) misses its goal."""

    what: str
    figure: Number
    bound: float
    unit: str
    at_most: bool = True

    @property
    def reached(self) -> bool:
        if self.figure is None:
            return False
        return self.figure <= self.bound if self.at_most else self.figure >= self.bound


@dataclass(frozen=True, slots=True)
class Grid:
    """A table of figures for people: all of them are also in `figures`, under names of their own."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | Number, ...], ...]


@dataclass(slots=True)
class Report:
    """`figures` maps a name, ending in its unit, to a number; `promises` names those that must hold, and whether they do."""

    name: str
    figures: dict[str, float | int | None] = field(default_factory=dict)
    promises: dict[str, bool] = field(default_factory=dict)
    goals: list[Goal] = field(default_factory=list)
    grids: list[Grid] = field(default_factory=list)
    shown: bool = True
    """Whether people see every figure; False: the grids and goals say enough."""

    @property
    def passed(self) -> bool:
        return all(self.promises.values()) and all(goal.reached for goal in self.goals)

    def goal(self, what: str, figure: Number, *, at_most: float, unit: str = "") -> None:
        self.goals.append(Goal(what, figure, at_most, unit))

    def goal_at_least(self, what: str, figure: Number, *, at_least: float, unit: str = "") -> None:
        self.goals.append(Goal(what, figure, at_least, unit, at_most=False))

    def json(self) -> str:
        whole = {
            "name": self.name,
            "figures": self.figures,
            "goals": [asdict(goal) | {"reached": goal.reached} for goal in self.goals],
            "promises": self.promises,
            "command": command(),
            "date": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "machine": machine(),
            "versions": versions(),
        }
        return json.dumps(whole, indent=2) + "\n"

    def table(self) -> str:
        lines = [self.name]
        if self.shown and self.figures:
            width = max(map(len, self.figures))
            lines += ["", *(f"  {name:<{width}}  {_number(value)}" for name, value in self.figures.items())]
        for grid in self.grids:
            lines += ["", f"  {grid.title}", *_aligned([grid.columns, *grid.rows])]
        if self.goals:
            lines += ["", "  goals", *_aligned([("", "goal", "figure", ""), *map(_goal_row, self.goals)])]
        if self.promises:
            lines += ["", *(f"  {'kept' if kept else 'BROKEN':<6}  {what}" for what, kept in self.promises.items())]
        lines += ["", f"  {command()}, {datetime.now(UTC):%Y-%m-%d}"]
        lines += ["  " + ", ".join(f"{k} {v}" for k, v in machine().items())]
        lines += ["  " + ", ".join(f"{k} {v}" for k, v in versions().items())]
        return "\n".join(lines)


def command() -> str:
    """The command that makes the figures."""
    return " ".join(["python -m benchmarks", *sys.argv[1:]])


def machine() -> dict[str, str | int | float]:
    """What it ran on; the load is the minute's average, which the benchmark itself is part of."""
    return {
        "cpu": _cpu_name(),
        "cores": os.cpu_count() or 0,
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "kernel": platform.release(),
        "load": round(os.getloadavg()[0], 2),
    }


def versions() -> dict[str, str]:
    found = {name: importlib.metadata.version(name) for name in PACKAGES}
    return {"spaces": importlib.metadata.version("spaces"), "python": platform.python_version(), **found}


def _cpu_name() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _goal_row(goal: Goal) -> tuple[str | Number, ...]:
    bound = f"{'≤' if goal.at_most else '≥'} {goal.bound:g} {goal.unit}".rstrip()
    return goal.what, bound, _number(goal.figure), "reached" if goal.reached else "MISSED"


def _aligned(rows: Sequence[Sequence[str | Number]]) -> list[str]:
    """The first column to the left, the others to the right."""
    texts = [[cell if isinstance(cell, str) else _number(cell) for cell in row] for row in rows]
    widths = [max(len(text) for text in column) for column in zip(*texts, strict=True)]
    return [
        "    "
        + "  ".join(t.ljust(w) if i == 0 else t.rjust(w) for i, (t, w) in enumerate(zip(row, widths, strict=True)))
        for row in texts
    ]


def _number(value: Number) -> str:
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.3f}"
