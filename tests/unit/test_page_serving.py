"""How the page's files are sent: compressed, kept for good under their version, asked for again under their plain address."""

from __future__ import annotations

import gzip
import re
from collections.abc import Mapping

import pytest

from spaces.signaling.web_files import WEB, modules, without_comments
from tests.harness.api import Api

pytestmark = pytest.mark.sqlite

APP = "/web/app.js"


def sent(name: str) -> bytes:
    body = (WEB / name).read_bytes()
    return without_comments(body.decode()).encode() if name.endswith(".js") else body


async def get(api: Api, path: str, **headers: str) -> tuple[int, Mapping[str, str], bytes]:
    """As it comes, still compressed if it is."""
    asked = {"Accept-Encoding": "identity"} | {name.replace("_", "-"): value for name, value in headers.items()}
    async with api.http.get(f"{api.url}{path}", headers=asked, auto_decompress=False) as answer:
        return answer.status, answer.headers, await answer.read()


async def test_a_page_names_files_that_may_be_kept_for_good(api: Api) -> None:
    _, _, page = await get(api, "/s/4fJ2k")
    named = re.findall(r'(?:src|href)="(/web/v-[^"]+)"', page.decode())
    assert {"app.js", "page_space.js", "style.css"} <= {path.rpartition("/")[2] for path in named}
    for path in named:
        status, headers, body = await get(api, path)
        assert status == 200
        assert "immutable" in headers["Cache-Control"]
        assert body == sent(path.rpartition("/")[2])


@pytest.mark.parametrize(
    ("path", "entry", "words"),
    [
        ("/", "page_front.js", "front"),
        ("/s/4fJ2k", "page_space.js", ""),
        ("/@ada", "page_creator.js", "pages front door studio community"),
    ],
)
@pytest.mark.parametrize(("accepted", "language"), [("de, fr-CH;q=0.9, en;q=0.8", "fr"), ("de", "en"), ("EN-gb", "en")])
async def test_all_that_a_page_needs_at_once_is_named_in_it_and_nothing_else(
    api: Api, path: str, entry: str, words: str, accepted: str, language: str
) -> None:
    _, headers, page = await get(api, path, Accept_Language=accepted)
    named = re.findall(r'(?:src|modulepreload" href)="/web/v-[0-9a-f]+/([^"]+)"', page.decode())
    assert named[:2] == ["ahead.js", "app.js"]
    messages = [f"messages_{language}.js", *(f"messages_{part}_{language}.js" for part in words.split())]
    assert sorted(named) == sorted([*modules("app.js", entry), *messages])
    assert f'<html lang="{language}">' in page.decode()
    assert "Accept-Language" in headers["Vary"]
    app = (WEB / "app.js").read_text()
    assert not words or f'withTexts("{words}", import("./{entry}"))' in app


async def test_what_is_fetched_behind_the_first_view_is_named_apart(api: Api) -> None:
    _, _, page = await get(api, "/s/4fJ2k")
    first = re.findall(r'(?:src|modulepreload" href)="(/web/v-[^"]+)"', page.decode())
    (behind,) = re.findall(r'data-behind="([^"]+)"', page.decode())
    names = {path.rpartition("/")[2] for path in (*first, *behind.split())}
    assert names == {*modules("app.js", "space_presence.js"), "messages_en.js"}
    assert set(first).isdisjoint(behind.split())
    for path in behind.split():
        status, headers, _ = await get(api, path)
        assert (status, "immutable" in headers["Cache-Control"]) == (200, True)
    _, _, front = await get(api, "/")
    assert b"data-behind" not in front


async def test_a_plain_address_is_asked_for_again_and_answered_in_a_word(api: Api) -> None:
    for accepted in ("identity", "gzip"):
        status, headers, _ = await get(api, APP, Accept_Encoding=accepted)
        assert (status, headers["Cache-Control"]) == (200, "no-cache")
        again, _, nothing = await get(api, APP, Accept_Encoding=accepted, If_None_Match=headers["ETag"])
        assert (again, nothing) == (304, b"")


async def test_a_file_of_another_release_is_given_but_not_to_be_kept(api: Api) -> None:
    status, headers, body = await get(api, "/web/v-0123456789ab/app.js")
    assert (status, headers["Cache-Control"]) == (200, "no-cache")
    assert body == sent("app.js")


@pytest.mark.parametrize("accepted", ["gzip", "br, gzip;q=0.8", "gzip, deflate, br, zstd"])
async def test_who_takes_gzip_gets_it(api: Api, accepted: str) -> None:
    for path, original in ((APP, sent("app.js")), ("/studio", None)):
        _, headers, body = await get(api, path, Accept_Encoding=accepted)
        assert headers["Content-Encoding"] == "gzip"
        assert "Accept-Encoding" in headers["Vary"]
        assert original is None or gzip.decompress(body) == original


@pytest.mark.parametrize("accepted", ["", "identity", "br", "gzip;q=0", "br, gzip; q=0.0"])
async def test_who_does_not_gets_it_plain(api: Api, accepted: str) -> None:
    _, headers, body = await get(api, APP, Accept_Encoding=accepted)
    assert "Content-Encoding" not in headers
    assert body == sent("app.js")


async def test_other_sites_may_import_it(api: Api) -> None:
    _, headers, _ = await get(api, "/web/client.js", Origin="https://elsewhere.example")
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert headers["Cross-Origin-Resource-Policy"] == "cross-origin"
