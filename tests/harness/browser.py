"""A browser as the server sees one: cookies of its own, and the word where a request comes from. No page, no script."""

from __future__ import annotations

import re
from types import TracebackType
from typing import Any
from urllib.parse import urljoin

import aiohttp

from tests.harness.api import Reply, read_reply
from tests.harness.smtp import Mailbox

CODE = re.compile(r"^    ([0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4})$", re.MULTILINE)


class Browser:
    def __init__(self, url: str, user_agent: str = "Tests/1.0") -> None:
        self.url = url
        self.http = aiohttp.ClientSession(
            cookie_jar=aiohttp.CookieJar(unsafe=True), headers={"User-Agent": user_agent}
        )  # unsafe: also from addresses

    async def __aenter__(self) -> Browser:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.http.close()

    async def request(
        self, method: str, path: str, *, json: Any = None, data: bytes | None = None, **headers: Any
    ) -> Reply:
        """From a page of the server, unless the headers (with _ for -) say otherwise."""
        said = {"Sec-Fetch-Site": "same-origin"} | {name.replace("_", "-"): value for name, value in headers.items()}
        said = {name: value for name, value in said.items() if value}
        async with self.http.request(
            method, urljoin(self.url, path), json=json, data=data, headers=said, allow_redirects=False
        ) as answer:
            return await read_reply(answer)

    async def ok(self, method: str, path: str, *, json: Any = None) -> Any:
        reply = await self.request(method, path, json=json)
        assert reply.status // 100 == 2, f"{method} {path}: {reply.status} {reply.body}"
        return reply.body

    async def sign_in(self, address: str, mailbox: Mailbox) -> dict[str, Any]:
        """By the code in the newest mail."""
        await self.ok("POST", "/v1/sign-in", json={"address": address})
        answer: dict[str, Any] = await self.ok("POST", "/v1/sign-in/code", json={"code": code_in(mailbox, address)})
        return answer

    @property
    def cookies(self) -> dict[str, str]:
        return {cookie.key: cookie.value for cookie in self.http.cookie_jar}


def code_in(mailbox: Mailbox, address: str) -> str:
    """Of the newest letter to the address."""
    letters = [letter for letter in mailbox.letters if letter.recipient.lower() == address.lower()]
    found = CODE.search(letters[-1].message.get_content().replace("\r\n", "\n"))
    assert found is not None
    return found[1]
