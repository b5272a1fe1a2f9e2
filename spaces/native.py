"""C functions that compiled loops call, and where compiled loops are kept.

numba keeps what it has compiled on disk, but looks only at the file of the function itself to tell whether that is still
true. So the folder is named by everything that goes into the loops: another version compiles anew, the same one never again.
"""

from __future__ import annotations

import hashlib
import os
import platform
import tempfile
from pathlib import Path
from typing import Any

import llvmlite
import llvmlite.binding
import numba
import numpy as np
from numba import types

ADDRESS = types.uintp
INT = types.int32

_SOURCES = ("native.py", "mixing/*.py", "sfu/fanout.py", "sfu/gcm.py", "sfu/vectors.py")


def c_function(name: str, result: types.Type, *arguments: types.Type, address: int | None = None) -> Any:
    """A C function for use in compiled code: by its address, or the C library's of that name. Pointers are ADDRESS."""
    if address is not None:
        name = f"spaces_{name}"
        llvmlite.binding.add_symbol(name, address)
    return types.ExternalFunction(name, result(*arguments))


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for version in (numba.__version__, llvmlite.__version__, np.__version__, platform.python_version()):
        digest.update(version.encode())
    here = Path(__file__).parent
    for pattern in _SOURCES:
        for path in sorted(here.glob(pattern)):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def keep_compiled_code() -> Path:
    """Point numba at a folder for this very version: $NUMBA_CACHE_DIR, else the user's cache, else a temporary one."""
    bases = [
        os.environ.get("NUMBA_CACHE_DIR", ""),
        os.environ.get("XDG_CACHE_HOME", ""),
        os.path.expanduser("~/.cache"),
    ]
    for base in filter(None, bases):
        folder = Path(base) / "spaces" / f"compiled-{_fingerprint()}"
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError:
            continue
        # Compiled code is run: nobody else may have put it there.
        if os.access(folder, os.W_OK) and folder.stat().st_uid == os.getuid():
            break
    else:
        folder = Path(tempfile.mkdtemp(prefix="spaces-compiled-"))
    numba.config.CACHE_DIR = str(folder)  # type: ignore[attr-defined]
    return folder


keep_compiled_code()
