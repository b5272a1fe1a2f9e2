"""
Tests in real time, of whole programs: `python -m tests.harness.second_look ARGUMENTS OF PYTEST`.

What failed is run once more, with nothing beside it, since two such tests together, or the machine's other guests, may want
more than it has at some moment. It is named at the end. What fails again has failed; so have more than a few at once.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

AT_MOST = 3


def main(arguments: list[str]) -> int:
    with tempfile.TemporaryDirectory(prefix="spaces-second-look-") as folder:
        own_cache = ("-o", f"cache_dir={folder}")
        status = _pytest(*own_cache, *arguments)
        failed = _failed(Path(folder))
        if status != pytest.ExitCode.TESTS_FAILED or not 0 < len(failed) <= AT_MOST:
            return status
        print(f"\nSECOND LOOK, one at a time, at what failed: {', '.join(failed)}", flush=True)
        status = _pytest(*own_cache, *arguments, "-n", "0", "--last-failed", "--last-failed-no-failures", "none")
    print(f"\nUNSTEADY: failed at first, {'then passed' if status == 0 else 'and again'}: {', '.join(failed)}")
    return status


def _pytest(*arguments: str) -> int:
    return subprocess.run([sys.executable, "-m", "pytest", *arguments], check=False).returncode


def _failed(cache: Path) -> list[str]:
    written = cache / "v" / "cache" / "lastfailed"
    return sorted(json.loads(written.read_text())) if written.exists() else []


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
