"""`python -m benchmarks NAME [--json FILE]`: prints a table, and writes the same as JSON."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from benchmarks import fanout
from benchmarks.report import Report

BENCHMARKS = {"fanout": fanout}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    names = parser.add_subparsers(dest="name", required=True, metavar="NAME")
    for name, module in BENCHMARKS.items():
        one = names.add_parser(name, help=(module.__doc__ or "").splitlines()[0], description=module.__doc__)
        one.add_argument("--json", type=Path, metavar="FILE", help="write the figures here too")
        module.add_options(one)
    options = parser.parse_args()
    report: Report = asyncio.run(BENCHMARKS[options.name].run(options))
    print(report.table())
    if options.json:
        options.json.write_text(report.json())
    return 0 if report.passed else 1


if __name__ == "__main__":
    sys.exit(main())
