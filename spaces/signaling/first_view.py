"""The first view of a live Space in the page's HTML, so that one can tap Listen before the page's modules are here.

It is what the page's own view_space.js draws of the same answer for somebody who is not in yet (a test holds one against
the other); the page then draws over it, and touches nothing that is the same. Only who would be let in to listen gets it:
everybody else's view has more to it than can be tapped at once.

`tap.js` makes what is drawn usable: until that has come, the Listen button is shut (`aria-disabled`).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from html import escape
from itertools import groupby
from urllib.parse import urlencode

from msgspec import UNSET

from spaces.signaling.answers import AccountView, SpaceView, StageMemberView
from spaces.signaling.page_words import drawings, text

COUNT_MAX = 999
"""Bigger numbers are written otherwise in each language."""
Words = Callable[..., str]


def can_be_drawn(space: SpaceView) -> bool:
    """Whether it is a view that this module knows: live, and of a listener who would be let in."""
    return (
        space.state == "live"
        and space.you is not UNSET
        and space.you.admitted
        and space.you.role == "listener"
        and space.you.invitation is UNSET
        and space.closing_at is None
        and not space.locked
        and space.listeners <= COUNT_MAX
    )


def bar(language: str, name: str | None) -> str:
    """The inside of the page's header. `name`: whose session the page was asked for with."""
    words = _words(language)
    who = (
        _button("sign-in", words("account.sign_in"), kind="plain-button")
        if name is None
        else _element(
            "a", _icon("person") + _element("span", escape(name)),
            {"class": "button plain-button account", "href": "/account", "aria-label": words("account.of", name=name)},
        )
    )  # fmt: skip
    language_button = {
        "class": "button plain-button language", "type": "button", "data-action": "language", "aria-haspopup": "menu",
        "aria-label": words("app.language"), "title": words("app.language"),
    }  # fmt: skip
    brand = _icon("listen") + _element("span", escape(words("app.name")))
    return _element("a", brand, {"class": "brand", "href": "/", "aria-label": words("app.home")}) + _element(
        "div", _element("button", _icon("globe"), language_button) + who, {"class": "bar-end"}
    )


def main(space: SpaceView, language: str) -> str:
    """The inside of the page's `main`."""
    words = _words(language)
    plan = _button("share", words("share.share"), icon="share", more={"aria-haspopup": "dialog"})
    room = _element("div", _stage(space, words), {"class": "room", "data-key": "room"})
    parts = (_head(space, words), _element("div", plan, {"class": "plan row", "data-key": "plan"}), room, _dock(words))
    return _element("div", "".join(parts), {"class": "page space", "data-key": "space", "data-view": space.state})


def _head(space: SpaceView, words: Words) -> str:
    policies = [rule.policy for rule in space.access]
    lock = _element("span", escape(" · ".join(dict.fromkeys(words(f"space.access.{policy}") for policy in policies))))
    if "open" not in policies:
        lock = _icon("lock") + lock
    marks = (
        _element("span", escape(words("space.live")), {"class": "mark live"})
        + _element("span", escape(words("space.listeners", space.listeners)), {"class": "quiet"})
        + _element("span", lock, {"class": "lock quiet"})
    )
    creator = space.creator
    link = {"href": f"/@{creator.handle}"} if creator.handle else {}
    by = f"{escape(words('space.by'))} " + _element("a" if link else "span", escape(creator.name), link)
    topics = "".join(
        _element("li", _element("a", escape(topic), {"href": f"/?{urlencode({'topic': topic})}"}))
        for topic in space.topics
    )
    parts = (
        _element("p", marks, {"class": "space-marks"}),
        _element("h1", escape(space.title), {"tabindex": "-1"}),
        _element("p", _face(creator, "small") + _element("span", by), {"class": "space-by"}),
        _element("ul", topics, {"class": "topics"}) if topics else "",
    )
    return _element("div", "".join(parts), {"class": "space-head"})


def _stage(space: SpaceView, words: Words) -> str:
    title = _element("h2", escape(words("space.stage")), {"id": "stage-title"})
    people = "".join(_person(member, words) for member in space.stage)
    listed = (
        _element("ul", people, {"class": "people"})
        if people
        else _element("p", escape(words("space.stage_empty")), {"class": "none"})
    )
    return _element(
        "section", title + listed, {"class": "stage", "aria-labelledby": "stage-title", "data-key": "stage"}
    )


def _person(member: StageMemberView, words: Words) -> str:
    account = member.account
    state = "away" if not member.connected else "muted" if member.muted else ""
    said = [words(f"role.{member.role}")]
    if account.guest is not UNSET:
        said.append(words("person.guest"))
    if state:
        said.append(words(f"person.{state}"))
    badge = _element("span", _icon("mic-off"), {"class": "badge"}) if state == "muted" else ""
    inside = (
        _element("span", _face(account, "stage-face") + badge, {"class": "ring"})
        + _element("span", escape(account.name), {"class": "person-name"})
        + _element("span", escape(" · ".join(said)), {"class": "person-role"})
    )
    classes = f"person {state}".strip()
    return _element("li", inside, {"class": classes, "data-key": account.id, "data-account": account.id})


def _dock(words: Words) -> str:
    status = _element("span", "", {"class": "dot", "aria-hidden": "true"}) + escape(words("status.idle"))
    shut = {"aria-disabled": "true", "data-said": words("status.connecting")}
    listen = _button("listen", words("action.listen"), icon="listen", kind="primary big", more=shut)
    inside = _element(
        "div", _element("p", status, {"class": "status idle", "role": "status"}), {"class": "dock-top"}
    ) + _element("div", listen, {"class": "controls", "data-key": "outside"})
    return _element("section", inside, {"class": "dock", "aria-label": words("space.controls"), "data-key": "dock"})


# --- pieces, as the page's parts.js has them


def _face(account: AccountView, size: str) -> str:
    runs = (("".join(run), fits) for fits, run in groupby(account.name, _in_word))
    initials = "".join(word[0] for word, fits in runs if fits and word)
    hue = 0
    for digit in account.id:
        hue = (hue * 31 + ord(digit)) % 8
    return _element(
        "span", escape(initials[:2].upper() or "?"), {"class": f"face hue-{hue} {size}", "aria-hidden": "true"}
    )


def _in_word(character: str) -> bool:
    return unicodedata.category(character)[0] in "LN" or character in "’'"


def _button(action: str, said: str, *, icon: str = "", kind: str = "", more: dict[str, str] | None = None) -> str:
    drawn = (_icon(icon) if icon else "") + _element("span", escape(said))
    classes = f"button {kind}".strip()
    return _element("button", drawn, {"class": classes, "type": "button", "data-action": action, **(more or {})})


def _icon(name: str) -> str:
    attributes = {"viewBox": "0 0 24 24", "class": "icon", "aria-hidden": "true", "focusable": "false"}
    return _element("svg", _element("path", "", {"d": drawings()[name]}), attributes)


def _element(tag: str, inside: str, attributes: dict[str, str] | None = None) -> str:
    """`inside` is HTML."""
    said: Iterable[str] = (f' {name}="{escape(value)}"' for name, value in (attributes or {}).items())
    return f"<{tag}{''.join(said)}>{inside}</{tag}>"


def _words(language: str) -> Words:
    return lambda key, count=0, **values: text(language, key, count, **values)
