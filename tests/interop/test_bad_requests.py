"""Requests that nobody should send get a problem document that says what is wrong, and leave nothing behind."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from tests.harness.accounts import mint, person
from tests.harness.api import Api
from tests.harness.client import RtcClient
from tests.harness.server import Server

VIDEO_ONLY = (
    "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n"
    "m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=rtcp-mux\r\na=ice-ufrag:abcd\r\na=ice-pwd:{pwd}\r\n"
    "a=fingerprint:sha-256 {fingerprint}\r\na=setup:actpass\r\na=mid:0\r\na=recvonly\r\na=rtpmap:96 VP8/90000\r\n"
)

BAD_OFFERS: dict[str, tuple[Callable[[str], str | bytes], str]] = {
    "nothing": (lambda sdp: "", "bad_sdp"),
    "not SDP": (lambda sdp: "hello", "bad_sdp"),
    "not text": (lambda sdp: bytes(range(128, 256)) * 8, "bad_sdp"),
    "a broken m-line": (lambda sdp: sdp.replace("m=audio 9", "m=audio nine"), "bad_sdp"),
    "no ICE credentials": (lambda sdp: _without(sdp, "a=ice-"), "bad_sdp"),
    "no audio": (
        lambda sdp: VIDEO_ONLY.format(pwd="x" * 24, fingerprint=_field(sdp, "a=fingerprint:sha-256 ")),
        "no_audio",
    ),
    "no Opus": (lambda sdp: sdp.replace("opus/48000/2", "PCMU/8000"), "no_opus"),
    "no fingerprint": (lambda sdp: _without(sdp, "a=fingerprint"), "bad_fingerprint"),
    "half a fingerprint": (
        lambda sdp: sdp.replace(_field(sdp, "a=fingerprint:sha-256 "), _field(sdp, "a=fingerprint:sha-256 ")[:20]),
        "bad_fingerprint",
    ),
    "an unknown hash": (lambda sdp: sdp.replace("a=fingerprint:sha-256", "a=fingerprint:md7"), "bad_fingerprint"),
}


def _without(sdp: str, prefix: str) -> str:
    return "".join(line + "\r\n" for line in sdp.split("\r\n") if line and not line.startswith(prefix))


def _field(sdp: str, prefix: str) -> str:
    return next(line.removeprefix(prefix) for line in sdp.split("\r\n") if line.startswith(prefix))


async def seats(server: Server) -> float:
    return sum(value for name, value in (await server.metrics()).items() if name.startswith("spaces_seats{"))


@pytest.mark.parametrize("what", BAD_OFFERS)
async def test_a_bad_offer_is_refused_by_its_name(server: Server, api: Api, handle: str, what: str) -> None:
    host = await api.creator(handle)
    space = await api.space(host)
    change, code = BAD_OFFERS[what]
    client = RtcClient(api)
    before = await seats(server)
    for path, direction in ((f"/v1/spaces/{space}/whep", "recvonly"), (f"/v1/spaces/{space}/whip", "sendonly")):
        sdp = change(client.offer_text("recvonly" if direction == "recvonly" else "sendonly"))
        reply = await api.offer(path, sdp, by=host)
        assert (reply.status, reply.code) == (422, code)
        assert reply.body["detail"]
    assert await seats(server) <= before  # those of tests before may still be leaving
    await client.close()


async def test_an_offer_of_ten_megabytes_is_not_read(api: Api, handle: str) -> None:
    host = await api.creator(handle)
    space = await api.space(host)
    body = io.BytesIO(b"v=0\r\n" + b"a=x\r\n" * 2_000_000)
    reply = await api.request("POST", f"/v1/spaces/{space}/whep", by=host, data=body, content_type="application/sdp")
    assert reply.status == 413
    assert reply.code


async def test_an_offer_must_say_that_it_is_sdp(api: Api, handle: str) -> None:
    host = await api.creator(handle)
    space = await api.space(host)
    client = RtcClient(api)
    text = client.offer_text("recvonly").encode()
    reply = await api.request("POST", f"/v1/spaces/{space}/whep", by=host, data=text, content_type="text/plain")
    assert (reply.status, bool(reply.code)) == (415, True)
    await client.close()


@pytest.mark.parametrize("call", ["GET /v1/spaces/{}", "POST /v1/spaces/{}/whep", "POST /v1/spaces/{}/whip"])
@pytest.mark.parametrize("space", ["nowhere", "no-such", "x" * 14, "%00", "..%2f.."])
async def test_an_unknown_space_is_not_found(api: Api, handle: str, call: str, space: str) -> None:
    method, path = call.format(space).split(" ")
    client = RtcClient(api)
    data = None if method == "GET" else client.offer_text("recvonly").encode()
    reply = await api.request(
        method, path, by=person(handle), data=data, content_type="application/sdp" if data else None
    )
    assert reply.status == 404
    assert reply.code
    await client.close()


BAD_TOKENS: dict[str, Callable[[str], str]] = {
    "expired": lambda handle: mint(handle, lives_seconds=-60),
    "living for too long": lambda handle: mint(handle, lives_seconds=48 * 3600),
    "signed with another key": lambda handle: mint(handle, secret="somebody else's secret, long enough too"),
    "of an unknown key": lambda handle: mint(handle, key="nobody"),
    "alg none": lambda handle: mint(handle, algorithm="none"),
    "another algorithm": lambda handle: mint(
        handle, algorithm="HS512", secret="a secret of the tests that is long enough"
    ),
    "cut short": lambda handle: mint(handle)[:-6],
    "no token at all": lambda handle: "hello",
    "empty": lambda handle: "",
}


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
@pytest.mark.parametrize("what", BAD_TOKENS)
async def test_a_bad_token_is_always_401(api: Api, handle: str, what: str) -> None:
    """Also where none would be needed: an open Space."""
    host = await api.creator(handle)
    space = await api.space(host)
    client = RtcClient(api)
    token = BAD_TOKENS[what](f"{handle}fan")
    me = await api.request("GET", "/v1/me", token=token)
    assert me.status == 401
    assert me.code
    assert "WWW-Authenticate" in me.headers
    reply = await api.offer(f"/v1/spaces/{space}/whep", client.offer_text("recvonly"), token=token)
    assert reply.status == 401
    assert reply.code
    await client.close()


async def test_only_the_methods_of_a_session_are_answered(api: Api, handle: str) -> None:
    host = await api.creator(handle)
    assert (await api.request("DELETE", "/v1/sessions/nothing", by=host)).status == 404
    assert (
        await api.request(
            "PATCH", "/v1/sessions/nothing", by=host, data=b"", content_type="application/trickle-ice-sdpfrag"
        )
    ).status == 404
