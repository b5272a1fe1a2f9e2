"""Language tags (BCP 47, RFC 5646): whether one is well-formed, and its usual spelling."""

from __future__ import annotations

import re

WELL_FORMED = re.compile(
    r"""
    (?: [a-z]{2,3} (?:-[a-z]{3}){0,3} | [a-z]{4,8} )   # language, extended language
    (?: -(?P<script>[a-z]{4}) (?![a-z0-9]) )?
    (?: -(?P<region>[a-z]{2} | [0-9]{3}) (?![a-z0-9]) )?
    (?P<variants> (?: -(?: [a-z0-9]{5,8} | [0-9][a-z0-9]{3} ) )* )
    (?P<extensions> (?: -[0-9a-wy-z] (?:-[a-z0-9]{2,8})+ )* )
    (?: -x (?:-[a-z0-9]{1,8})+ )?                      # for private use
    """,
    re.VERBOSE | re.ASCII,
)
SINGLETON = re.compile(r"-([0-9a-wy-z])(?=-)", re.ASCII)


def canonical(tag: str) -> str | None:
    """`en-gb` is `en-GB`, `zh-hant-tw` is `zh-Hant-TW` (§2.1.1). None: no well-formed tag."""
    match = WELL_FORMED.fullmatch(tag.lower())
    if match is None:
        return None
    variants = match["variants"].split("-")[1:]
    singletons = SINGLETON.findall(match["extensions"])
    if len(set(variants)) < len(variants) or len(set(singletons)) < len(singletons):
        return None  # §2.2.5, §2.2.6
    spelled = list(tag.lower())
    if match["script"]:
        spelled[match.start("script")] = spelled[match.start("script")].upper()
    if match["region"]:
        spelled[match.start("region") : match.end("region")] = match["region"].upper()
    return "".join(spelled)
