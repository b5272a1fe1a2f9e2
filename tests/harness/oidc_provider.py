"""A small OpenID provider over real HTTP: discovery, keys, authorization with PKCE, and a token endpoint that checks what it is
given. Whoever comes is signed in at once as `person`. What it signs can be spoiled, which no honest provider does."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlencode

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

CLIENT_ID, CLIENT_SECRET = "spaces at home", "a secret:with/marks, of 32 bytes and more"
Claims = dict[str, Any]


def new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65_537, key_size=2_048)


@dataclass
class Provider:
    url: str = ""
    person: Claims = field(default_factory=lambda: {"sub": "ada-1", "name": "Ada", "email": "ada@example.org"})
    key: rsa.RSAPrivateKey = field(default_factory=new_key)
    kid: str = "first"
    sign: Callable[[Provider, Claims], str] | None = None
    """Instead of the honest way."""
    spoil: Claims = field(default_factory=dict)
    """Claims to be said otherwise; None: left out."""
    asked: list[str] = field(default_factory=list)
    """Paths, in order."""
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def signed(self, claims: Claims) -> str:
        return jwt.encode(claims, self.key, algorithm="RS256", headers={"kid": self.kid})

    async def discovery(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        endpoints = {f"{name}_endpoint": f"{self.url}/{name}" for name in ("authorization", "token")}
        return web.json_response({"issuer": self.url, "jwks_uri": f"{self.url}/keys", **endpoints})

    async def keys(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        public = json.loads(RSAAlgorithm.to_jwk(self.key.public_key()))
        return web.json_response({"keys": [{**public, "kid": self.kid, "use": "sig", "alg": "RS256"}]})

    async def authorization(self, request: web.Request) -> web.Response:
        query = dict(request.query)
        if (query["client_id"], query["response_type"], query["code_challenge_method"]) != (CLIENT_ID, "code", "S256"):
            return web.Response(status=400)
        code = secrets.token_urlsafe(16)
        self.codes[code] = query
        back = urlencode({"code": code, "state": query["state"], "iss": self.url})
        return web.Response(status=302, headers={"Location": f"{query['redirect_uri']}?{back}"})

    async def token(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        form = await request.post()
        asked = self.codes.pop(str(form["code"]), None)
        pair = base64.b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode().split(":")
        known = [unquote(part) for part in pair] == [CLIENT_ID, CLIENT_SECRET]
        digest = hashlib.sha256(str(form["code_verifier"]).encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if asked is None or not known or asked["redirect_uri"] != form["redirect_uri"]:
            return web.json_response({"error": "invalid_grant"}, status=400)
        if asked["code_challenge"] != challenge:
            return web.json_response({"error": "invalid_grant"}, status=400)
        now = int(time.time())
        claims = {"iss": self.url, "aud": CLIENT_ID, "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        claims = {name: value for name, value in (claims | self.person | self.spoil).items() if value is not None}
        token = (self.sign or Provider.signed)(self, claims)
        return web.json_response({"access_token": "x", "token_type": "Bearer", "id_token": token})


@asynccontextmanager
async def provider() -> AsyncIterator[Provider]:
    made = Provider()
    app = web.Application()
    app.router.add_get("/.well-known/openid-configuration", made.discovery)
    app.router.add_get("/keys", made.keys)
    app.router.add_get("/authorization", made.authorization)
    app.router.add_post("/token", made.token)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield made
    finally:
        await runner.cleanup()
