"""An OpenID provider, asked over HTTP: what it offers and its keys (both kept for a while), and a code for an ID token."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import aiohttp
import msgspec
from msgspec import Struct

from spaces.oidc.id_token import Person, UnknownKeyError, read_id_token_untrusted

KEPT_SECONDS = 3_600.0
"""How long a provider's metadata and keys are believed without being asked for again."""
REFETCH_SECONDS = 5.0
"""An unknown key is looked for anew at most so often: whoever makes tokens up makes us ask nobody else for each."""
ANSWER_BYTES_MAX = 512 * 1024
T = TypeVar("T")

TIMEOUT = aiohttp.ClientTimeout(total=10)


class ProviderAwayError(Exception):
    """It cannot be reached, or answers what nobody can use; the message says which."""


class CodeRefusedError(Exception):
    """The provider does not take this code."""


class Metadata(Struct, frozen=True):
    """Of OpenID Connect Discovery 1.0 §3, what is needed here."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


class KeySet(Struct, frozen=True):
    keys: list[dict[str, Any]]


class TokenAnswer(Struct, frozen=True):
    id_token: str


class OidcProvider:
    def __init__(
        self, issuer: str, client_id: str, client_secret: str, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.issuer = issuer
        self._client_id = client_id
        self._client_secret = client_secret
        self._clock = clock
        self._lock = asyncio.Lock()
        self._metadata: tuple[float, Metadata] | None = None
        self._keys: tuple[float, list[dict[str, Any]]] | None = None

    @property
    def name(self) -> str:
        """As people know it."""
        return urlsplit(self.issuer).hostname or self.issuer

    async def metadata(self) -> Metadata:
        """Raises ProviderAwayError."""
        async with self._lock:
            if self._metadata is None or self._clock() - self._metadata[0] > KEPT_SECONDS:
                found = await _get(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration", Metadata)
                if found.issuer != self.issuer:
                    raise ProviderAwayError(f"it calls itself {found.issuer}, and not {self.issuer}")
                secure = self.issuer.startswith("https://")
                for address in (found.authorization_endpoint, found.token_endpoint, found.jwks_uri):
                    if not address.startswith("https://" if secure else ("https://", "http://")):
                        raise ProviderAwayError("its addresses are not https")
                self._metadata = (self._clock(), found)
            return self._metadata[1]

    async def address(self, *, redirect_uri: str, state: str, nonce: str, challenge: str) -> str:
        """Where the browser is sent to. Raises ProviderAwayError."""
        query = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": redirect_uri,
            "scope": "openid email profile",
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        endpoint = (await self.metadata()).authorization_endpoint
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"

    async def redeem(self, code: str, *, redirect_uri: str, verifier: str, nonce: str, now: datetime) -> Person:
        """Who has signed in there. Raises CodeRefusedError, IdTokenError, ProviderAwayError."""
        metadata = await self.metadata()
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        form |= {"code_verifier": verifier}
        headers = {}
        if "client_secret_basic" in metadata.token_endpoint_auth_methods_supported:
            pair = f"{quote(self._client_id, safe='')}:{quote(self._client_secret, safe='')}"  # RFC 6749 §2.3.1
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            form |= {"client_id": self._client_id, "client_secret": self._client_secret}
        token = (await _post(metadata.token_endpoint, form, headers)).id_token
        try:
            return self._read(token, await self._known_keys(), nonce, now)
        except UnknownKeyError:  # it may have changed its keys
            return self._read(token, await self._known_keys(older_than=REFETCH_SECONDS), nonce, now)

    def _read(self, token: str, keys: list[dict[str, Any]], nonce: str, now: datetime) -> Person:
        return read_id_token_untrusted(token, keys, issuer=self.issuer, client_id=self._client_id, nonce=nonce, now=now)

    async def _known_keys(self, older_than: float = KEPT_SECONDS) -> list[dict[str, Any]]:
        metadata = await self.metadata()
        async with self._lock:
            if self._keys is None or self._clock() - self._keys[0] > older_than:
                self._keys = (self._clock(), (await _get(metadata.jwks_uri, KeySet)).keys)
            return self._keys[1]


async def _get(address: str, kind: type[T]) -> T:
    status, body = await _ask("GET", address)
    if status != 200:
        raise ProviderAwayError(f"it answers {status}")
    return _decode(body, kind)


async def _post(address: str, form: dict[str, str], headers: dict[str, str]) -> TokenAnswer:
    status, body = await _ask("POST", address, data=form, headers=headers)
    if 400 <= status < 500:
        raise CodeRefusedError
    if status != 200:
        raise ProviderAwayError(f"it answers {status}")
    return _decode(body, TokenAnswer)


async def _ask(method: str, address: str, **options: Any) -> tuple[int, bytes]:
    try:
        async with (
            aiohttp.ClientSession(timeout=TIMEOUT) as session,
            session.request(method, address, allow_redirects=False, **options) as answer,
        ):
            body = bytearray()
            async for chunk in answer.content.iter_any():
                body += chunk
                if len(body) > ANSWER_BYTES_MAX:
                    raise ProviderAwayError("its answer is too long")
            return answer.status, bytes(body)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise ProviderAwayError(f"it cannot be reached: {type(error).__name__}") from error


def _decode(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise ProviderAwayError("its answer cannot be read") from error
