"""The page's files as they are sent: read once, compressed once, and named by what is in them.

`/web/v-…/app.js` is the file under the version of all of them together. The modules import one another by relative
addresses, so whoever is given one address with a version asks for all others with it; such answers may be kept for good,
and a new release has new addresses. `/web/app.js` is the same file under the address that others embed: it is asked for
again each time.

Scripts are sent without the comments that have lines of their own, which are a third of them; the lines keep their numbers.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

WEB = Path(__file__).resolve().parent.parent / "web"

TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
COMPRESSED_BY_THEMSELVES = frozenset({".png", ".woff2"})

COMMENT = re.compile(r"^[ \t]*(?:/\*\*(?:[^*]|\*(?!/))*\*/[ \t]*|//.*)$", re.MULTILINE)
"""On lines of its own. Nothing of ours has such a line within a text (a test compares what a compiler makes of both)."""
IMPORT = re.compile(r'^(?:import|export)\b(?:[^;"]*?from)? "\./([^"]+)"', re.MULTILINE)
"""As our modules write it: what comes with a module at once (`import()` on demand is another thing)."""
VERSIONED = re.compile(r"^v-([0-9a-f]+)/(.+)$")
WORDS = re.compile(r"messages_([a-z]{2})\.js$")
ENTRY, AHEAD, TAP = "app.js", "ahead.js", "tap.js"
SCRIPT = re.compile(r'<script type="module" blocking="render" src="/web/app\.js"></script>\n')
AHEAD_SCRIPT = re.compile(r'<script type="module" async src="/web/ahead\.js"></script>\n')
OTHERS = re.compile(r'(<link rel="stylesheet" href="|<script type="module" async src=")/web/')


@dataclass(frozen=True, slots=True)
class File:
    kind: str
    """For Content-Type."""
    body: bytes
    gzipped: bytes | None
    """None: compressing it gains nothing."""
    etag: str
    """Without quotes; the compressed form has one of its own, as RFC 9110 §8.8.3 wants it."""


@dataclass(frozen=True, slots=True)
class Found:
    file: File
    forever: bool
    """Asked for under the version that is served: at this address it will never be another."""


def find(path: str) -> Found | None:
    """What is at /web/`path`. Addresses are looked up among the files that there are, and never asked of the file system.

    A page of another release, which is still open somewhere, gets the file of this one, and is not to keep it.
    """
    versioned = VERSIONED.match(path)
    file = files().get(versioned[2] if versioned else path)
    return None if file is None else Found(file, versioned is not None and versioned[1] == version())


@cache
def files() -> dict[str, File]:
    """By the address below /web/."""
    return {path.relative_to(WEB).as_posix(): _read(path) for path in sorted(WEB.rglob("*")) if path.suffix in TYPES}


def _read(path: Path) -> File:
    body = path.read_bytes()
    if path.suffix == ".js":
        body = without_comments(body.decode()).encode()
    kind = TYPES[path.suffix]
    text = kind.startswith("text/") or kind.endswith(("+xml", "+json"))
    small = None if path.suffix in COMPRESSED_BY_THEMSELVES else gzip.compress(body, 9, mtime=0)
    return File(
        f"{kind}; charset=utf-8" if text else kind,
        body,
        small if small is not None and len(small) < len(body) else None,
        hashlib.sha256(body).hexdigest()[:20],
    )


def without_comments(script: str) -> str:
    """Empty lines in their place."""
    return COMMENT.sub(lambda comment: "\n" * comment[0].count("\n"), script)


@cache
def version() -> str:
    """Of all files together."""
    whole = hashlib.sha256()
    for path, file in files().items():
        whole.update(f"{path} {file.etag}\n".encode())
    return whole.hexdigest()[:12]


def versioned(path: str) -> str:
    """The address at which the file may be kept for good."""
    return f"/web/v-{version()}/{path}"


def in_order(*entries: str) -> list[str]:
    """As `modules`, each after those that it imports: as they run."""
    found: dict[str, None] = {}

    def add(name: str, above: frozenset[str]) -> None:
        if name in found or name in above:
            return
        for below in imports(files()[name].body.decode()):
            add(below, above | {name})
        found[name] = None

    for entry in entries:
        add(entry, frozenset())
    return list(found)


def modules(*entries: str) -> list[str]:
    """These modules and all that come with them at once, the first ones first."""
    found: dict[str, None] = {}
    waiting = list(entries)
    while waiting:
        name = waiting.pop(0)
        if name not in found:
            found[name] = None
            waiting += imports(files()[name].body.decode())
    return list(found)


def imports(text: str) -> Iterable[str]:
    return IMPORT.findall(text)


@cache
def languages() -> frozenset[str]:
    """What the page speaks."""
    return frozenset(found[1] for name in files() if (found := WORDS.match(name)))


@cache
def index(language: str, *more: str, behind: str = "", drawn: bool = False) -> str:
    """The page's HTML in a language. All modules that it needs at once, and those that `more` bring, are named in its
    head: the browser fetches them side by side instead of finding one behind the other. What `behind` brings besides is
    named too, for the page to fetch likewise once it has drawn its first view. Nothing is painted before the page draws,
    or, where the first view is `drawn` into the HTML, before it can be tapped: there all but what hears taps is asked for
    after that (`data-first`)."""
    text = files()["index.html"].body.decode()
    first = modules(AHEAD, ENTRY, *more)
    later = " ".join(versioned(name) for name in (in_order(behind) if behind else ()) if name not in first)
    behind_it = f' data-behind="{later}"' if later else ""
    if drawn:
        rest = " ".join(versioned(name) for name in in_order(AHEAD, *more, ENTRY) if name != TAP)
        script = (
            f'<script type="module" blocking="render" src="{versioned(TAP)}" data-first="{rest}"{behind_it}></script>\n'
        )
        text = AHEAD_SCRIPT.sub("", text)
    else:
        script = f'<script type="module" blocking="render" src="{versioned(ENTRY)}"{behind_it}></script>\n'
        script += "".join(f'<link rel="modulepreload" href="{versioned(name)}">\n' for name in first[2:])
    text, scripts = SCRIPT.subn(script, text)
    text = text.replace('<html lang="en">', f'<html lang="{language}">')
    assert scripts == 1, "index.html has its script in a line of its own"
    return OTHERS.sub(rf"\g<1>{versioned('')}", text)
