"""The first view that comes in a Space's HTML: who gets which, and that nothing in it is anybody else's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from spaces.signaling.page_words import text, texts
from spaces.signaling.web_files import WEB, imports
from tests.harness.accounts import Person, person
from tests.harness.api import Api

EMPTY = '<main id="main" tabindex="-1"></main>'
NASTY = "\"><script>alert(1)</script> & ' “evening”"


@dataclass(frozen=True)
class Got:
    body: str
    headers: Mapping[str, str]


async def page_of(api: Api, space: str, by: Person | None = None, language: str = "en", chosen: str = "") -> Got:
    """`language`: the browser's; `chosen`: on the page."""
    headers = {"Accept-Language": language} | ({"Authorization": f"Bearer {by.token}"} if by else {})
    if chosen:
        headers["Cookie"] = f"spaces_language={chosen}"
    async with api.http.get(f"{api.url}/s/{space}", headers=headers) as answer:
        assert answer.status == 200
        return Got(await answer.text(), answer.headers)


async def test_who_may_listen_can_do_so_from_the_html_and_it_is_for_him_alone(api: Api) -> None:
    host, fan = await api.creator("ada"), person("grace")
    space = await api.space(host)
    await api.ok("PATCH", f"/v1/spaces/{space}", by=host, json={"title": NASTY, "topics": ["C++ & more"]})
    stranger, known = await page_of(api, space), await page_of(api, space, fan)
    for reply in (stranger, known):
        assert re.search(r'<button[^>]* data-action="listen" aria-disabled="true" data-said="Connecting…">', reply.body)
        assert (
            '<h1 tabindex="-1">&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt; &amp; &#x27; “evening”</h1>'
            in reply.body
        )
        assert 'href="/?topic=C%2B%2B+%26+more"' in reply.body
        assert "private" in reply.headers["Cache-Control"]
        assert "Cookie" in reply.headers["Vary"]
        named = re.search(
            r'<script type="module" blocking="render" src="/web/v-\w+/tap\.js" data-first="([^"]+)" data-behind="([^"]+)">',
            reply.body,
        )
        assert named
        assert named[1].endswith("/app.js"), "the last, as it begins"
        run: set[str] = set()
        for name in (path.rpartition("/")[2] for path in " ".join(named.groups()).split()):
            assert {*imports((WEB / name).read_text())} - {"tap.js"} <= run, "each after those that it imports"
            run.add(name)
        assert re.findall(r'(?:<script[^>]*? src|modulepreload" href)="[^"]*?([^/"]+)"', reply.body) == ["tap.js"], (
            "the rest is fetched later"
        )
    assert 'data-action="sign-in"' in stranger.body
    assert "Grace" not in stranger.body
    assert 'aria-label="Your account: Grace"' in known.body
    for french in (await page_of(api, space, language="fr"), await page_of(api, space, chosen="fr")):
        assert "<span>Écouter</span>" in french.body
        assert "Listen<" not in french.body
    for nobody_speaks in ("de", "fr,en;q=1", "../fr", ""):
        assert "<span>Listen</span>" in (await page_of(api, space, chosen=nobody_speaks)).body


async def test_whoever_has_more_or_less_to_do_gets_the_view_from_the_page(api: Api) -> None:
    host = await api.creator("ada")
    tier = await api.tier(host)
    space = await api.space(host)
    assert EMPTY in (await page_of(api, space, host)).body, "a host has a stage to go to"
    planned = await api.ok("POST", "/v1/spaces", by=host, json={"title": "Later", "access": {"policy": "open"}})
    assert EMPTY in (await page_of(api, planned["id"])).body
    shut = await api.space(host, access={"policy": "subscribers", "tier": tier})
    assert EMPTY in (await page_of(api, shut)).body, "there is an offer to be read"
    await api.ok("POST", f"/v1/spaces/{space}/end", by=host)
    over = await page_of(api, space)
    assert EMPTY in over.body
    assert over.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    ("language", "count", "said"), [("en", 0, "other"), ("en", 1, "one"), ("fr", 0, "one"), ("fr", 2, "other")]
)
def test_a_number_is_told_by_the_languages_own_rule(language: str, count: int, said: str) -> None:
    forms = texts(language)["ended.peak"]
    assert isinstance(forms, dict)
    assert text(language, "ended.peak", count) == forms[said].replace("{count}", str(count))
