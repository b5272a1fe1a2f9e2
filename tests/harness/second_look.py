"""
Tests that depend on the machine's moment: `python -m tests.harness.second_look [--looks N] ARGUMENTS OF PYTEST`.

What failed is run N times more (once, unless told), with nothing beside it, since two such tests together, or the machine's
other guests, may want more than it has at some moment. It is named at the end. What fails in any of them has failed; so have
more than a few at once.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

AT_MOST = 3


def main(command: list[str]) -> int:
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--looks", type=int, default=1)
    options, arguments = parser.parse_known_args(command)
    with tempfile.TemporaryDirectory(prefix="spaces-second-look-") as folder:
        own_cache = ("-o", f"cache_dir={folder}")
        status = _pytest(*own_cache, *arguments)
        failed = _failed(Path(folder))
        if status != pytest.ExitCode.TESTS_FAILED or not 0 < len(failed) <= AT_MOST:
            return status
        print(f"\nSECOND LOOK, one at a time, at what failed: {', '.join(failed)}", flush=True)
        written = _written(Path(folder)).read_bytes()
        for _ in range(options.looks):
            _written(Path(folder)).write_bytes(written)  # what passes is taken out of it
            status = _pytest(*own_cache, *arguments, "-n", "0", "--last-failed", "--last-failed-no-failures", "none")
            if status != 0:
                break
    print(f"\nUNSTEADY: failed at first, {'then passed' if status == 0 else 'and again'}: {', '.join(failed)}")
    return status


def _pytest(*arguments: str) -> int:
    return subprocess.run([sys.executable, "-m", "pytest", *arguments], check=False).returncode


def _written(cache: Path) -> Path:
    return cache / "v" / "cache" / "lastfailed"


def _failed(cache: Path) -> list[str]:
    written = _written(cache)
    return sorted(json.loads(written.read_text())) if written.exists() else []


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
