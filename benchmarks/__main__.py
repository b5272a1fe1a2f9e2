"""`python -m benchmarks NAME [--json FILE]`: prints a table, and writes the same as JSON."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import sys
from pathlib import Path

from benchmarks.report import Report

NAMES = (
    "admission",
    "events",
    "fanout",
    "join",
    "latency",
    "mixing",
    "nodes",
    "page",
    "peer-janus",
    "quality",
    "revocation",
)
"""Modules of this package with `add_options(parser)` and `async run(options) -> Report`."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    names = parser.add_subparsers(dest="name", required=True, metavar="NAME")
    modules = {name: importlib.import_module(f"benchmarks.{name.replace('-', '_')}") for name in NAMES}
    for name, module in modules.items():
        about = module.__doc__ or ""
        raw = argparse.RawDescriptionHelpFormatter
        one = names.add_parser(name, help=about.splitlines()[0], description=about, formatter_class=raw)
        one.add_argument("--json", type=Path, metavar="FILE", help="write the figures here too")
        module.add_options(one)
    options = parser.parse_args()
    report: Report = asyncio.run(modules[options.name].run(options))
    print(report.table())
    if options.json:
        options.json.write_text(report.json())
    return 0 if report.passed else 1


if __name__ == "__main__":
    sys.exit(main())
