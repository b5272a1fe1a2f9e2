"""Which addresses may be shown as links: what opens a page and tells the truth about where."""

from __future__ import annotations

import re

from yarl import URL

from spaces.errors import RequestError

LINK_CHARACTERS_MAX = 2_000
"""What browsers and servers agree on; also the longest that the table takes."""

_PLAIN = re.compile(r"[!-\[\]-~\u00a1-\U0010ffff]+")
"""No blanks, control characters or backslashes, which browsers and libraries read in different ways."""
_INVISIBLE = re.compile("[\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f\ud800-\udfff]")
_HOST = re.compile(r"(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*\.?")
_ADDRESS = re.compile(r"[0-9a-f:.]{2,45}")
"""IPv6; yarl has read it."""


def safe_link(text: str, *, field: str = "url") -> str:
    """The address in ASCII, its host as the name system knows it (so that look-alike letters show), http or https only.

    Raises RequestError(422) naming the field.
    """
    text = text.strip(" ")
    if not text or len(text) > LINK_CHARACTERS_MAX:
        raise _bad(field, f"an address of 1 to {LINK_CHARACTERS_MAX} characters")
    if _PLAIN.fullmatch(text) is None or _INVISIBLE.search(text) is not None:
        raise _bad(field, "no blanks, backslashes or invisible characters")
    if re.match(r"https?://", text, re.IGNORECASE) is None:
        raise _bad(field, "an address that begins with https:// or http://")
    try:
        url = URL(text)
        host, port = url.raw_host, url.explicit_port
        canonical = str(url)
    except (ValueError, UnicodeError) as error:
        raise _bad(field, "an address that can be opened") from error
    if url.scheme not in ("http", "https") or not host or port == 0:
        raise _bad(field, "an address that can be opened")
    if url.raw_user is not None or url.raw_password is not None:
        raise _bad(field, "no user name in the address: it would pass for the host")
    if _HOST.fullmatch(host.lower()) is None and (":" not in host or _ADDRESS.fullmatch(host.lower()) is None):
        raise _bad(field, "an address with a host")
    if len(canonical) > LINK_CHARACTERS_MAX or not canonical.isascii():
        raise _bad(field, f"an address of {LINK_CHARACTERS_MAX} characters at most")
    return canonical


def _bad(field: str, wanted: str) -> RequestError:
    return RequestError(422, "bad_field", f"{field}: {wanted}", field=field)
