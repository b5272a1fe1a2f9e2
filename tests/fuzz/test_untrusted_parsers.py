"""Every function that reads unauthenticated bytes, found by its name, fed with noise and with mutations of what is valid.

Whatever comes in, a value comes out or a RemoteError, and nothing else. A function ending in `_untrusted` that has no
driver here fails the first test.
"""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import random
import re
import secrets
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from struct import pack
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from pylibsrtp import Policy

import access
import spaces
from access import gift_codes
from access.errors import TokenError
from access.guests import is_guest_pass_untrusted
from access.tokens import (
    INTEGRATION_AUDIENCE,
    Identity,
    check_integration_token_untrusted,
    is_integration_token_untrusted,
    is_join_token_untrusted,
    issuer_untrusted,
    make_account_token,
    make_join_token,
    read_account_token_untrusted,
    read_join_token_untrusted,
)
from spaces.db.listing import read_cursor_untrusted
from spaces.errors import RemoteError
from spaces.mixing.opus import packet_samples_untrusted
from spaces.mixing.sound import Source
from spaces.newsletters.links import MailLinks
from spaces.newsletters.webhook import check_signature_untrusted, sign
from spaces.oidc.id_token import IdTokenError, read_id_token_untrusted
from spaces.oidc.request import begin, opened_untrusted, sealed
from spaces.sfu.demux import demux_untrusted
from spaces.sfu.dtls_alert import CIPHERS, AlertKeys, close_notify, is_close_notify_untrusted
from spaces.sfu.ice_lite import IceLite, Path
from spaces.sfu.link import Link
from spaces.sfu.relay_packet import RelayPacket, parse_relay_untrusted
from spaces.sfu.relay_packet import pack as pack_relay
from spaces.sfu.rtcp import (
    ReportBlock,
    goodbye,
    parse_rtcp_untrusted,
    receiver_report,
    sender_report,
    source_description,
)
from spaces.sfu.rtp import parse_rtp_untrusted, split_red_untrusted
from spaces.sfu.session import Receive
from spaces.sfu.srtp import Keys, unprotect_rtcp_untrusted, unprotect_untrusted
from spaces.sfu.stun import parse_binding_request_untrusted
from spaces.sfu.uplink import Uplink
from spaces.signaling.node_stamp import Stamp, make_stamp, read_stamp_untrusted
from spaces.signaling.sdp import parse_offer_untrusted, parse_page_answer_untrusted
from tests.harness.eventually import until
from tests.harness.media_client import SPEAKING, Plane, running
from tests.harness.offers import OFFERS, wire

ROUNDS = 800
BLOCK = ReportBlock(1, 2, 3, 4, 5, 6, 7)
PASSWORD = "p" * 24
SECRET, KEY = "a secret of the tests, 32 bytes or longer", b"j" * 32
ALERT_KEYS = AlertKeys(CIPHERS[0], bytes(16), bytes(4))
NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


def untrusted_functions() -> set[str]:
    """Qualified names of everything of ours that ends in `_untrusted`."""
    found = set()
    modules = [*pkgutil.walk_packages(spaces.__path__, "spaces."), *pkgutil.walk_packages(access.__path__, "access.")]
    for module_info in modules:
        if module_info.name.endswith("__main__") or ".migrations." in module_info.name:
            continue
        module = importlib.import_module(module_info.name)
        for holder in [module, *(c for _, c in inspect.getmembers(module, inspect.isclass))]:
            for name, function in vars(holder).items():
                function = inspect.unwrap(getattr(function, "__func__", function))
                if name.endswith("_untrusted") and inspect.isfunction(function):
                    found.add(f"{function.__module__}.{function.__qualname__}")
    return found


def binding_request() -> bytes:
    username = b"ufrag:theirs"
    body = pack("!HH", 6, len(username)) + username + pack("!HHI", 0x24, 4, 9) + pack("!HH", 0x25, 0)
    return pack("!HHI", 1, len(body) + 24, 0x2112A442) + bytes(12) + body + pack("!HH", 8, 20) + bytes(20)


def rtp(payload: bytes = b"\xf8opus", payload_type: int = 111) -> bytes:
    extension = pack("!HHBBH", 0xBEDE, 1, 0x10, 0x80 | 20, 0)
    return pack("!BBHII", 0x91, payload_type, 7, 960, 5) + pack("!I", 9) + extension + payload


RED = pack("!II", 0xEF << 24 | 1_920 << 10 | 2, 0xEF << 24 | 960 << 10 | 3) + b"\x6f\xf8a\xf8bb\xf8ccc"
COMPOUND = sender_report(5, 1e9, 1, 2, 3, (BLOCK,)) + source_description(5, "cname") + goodbye((5, 6))
OPUS = [bytes((toc, count)) + bytes(20) for toc in (0x00, 0x7B, 0xF8, 0xFB) for count in (1, 0x82, 0xC3)]


def keys() -> tuple[Keys, Keys]:
    a, b = secrets.token_bytes(28), secrets.token_bytes(28)
    profile = Policy.SRTP_PROFILE_AEAD_AES_128_GCM
    return Keys(profile, send=a, receive=b), Keys(profile, send=b, receive=a)


@dataclass
class Driver:
    """How to call one function with bytes; `valid` are inputs that it takes."""

    covers: str
    valid: list[bytes]
    call: Callable[[bytes], object]


class Sound:
    """Takes what an uplink hears."""

    def packet(self, *_: Any) -> None: ...

    def measured(self, source: Source) -> tuple[float, float]:
        return -30.0, 0.0


def uplink_driver() -> Driver:
    """What is inside SRTP is the client's as well: here everything arrives well protected, and is noise."""
    ours, theirs = keys()
    out = theirs.sending()
    source = Source("space", "17")
    uplink = Uplink(Receive(111, 63, 1), ours.receiving(), Sound(), source, lambda *_: None)
    clock = iter(range(10**9))
    sequence = iter(range(1, 10**9))

    def call(data: bytes) -> None:
        data = data.ljust(16, b"\0")
        # libsrtp reads header and extension itself before it protects: keep it from refusing our own noise.
        n = next(sequence)
        header = pack("!BBHII", data[0] & 0x20 | 0x80, data[1], n & 0xFFFF, n * 960 & 0xFFFFFFFF, 5)
        uplink.packet_untrusted(out.protect(header + data[12:1_400]), float(next(clock)), muted=False)

    return Driver("spaces.sfu.uplink.Uplink.packet_untrusted", [rtp(), rtp(RED, 63)], call)


def parsed_as_packet(data: bytes) -> None:
    """The same through the uplink's own splitting, without SRTP between."""
    uplink = Uplink(Receive(111, 63, 1), keys()[0].receiving(), Sound(), Source("space", "17"), lambda *_: None)
    uplink._blocks_untrusted(parse_rtp_untrusted(data, 1))


def check_rate(data: bytes) -> None:
    uplink = Uplink(Receive(111, 63, 1), keys()[0].receiving(), Sound(), Source("space", "17"), lambda *_: None)
    for byte in data[:40]:
        uplink._check_rate_untrusted(byte / 1_000)


def ice_driver() -> Driver:
    lite = IceLite()
    lite.add("ufrag", PASSWORD, "peer")
    return Driver(
        "spaces.sfu.ice_lite.IceLite.receive_untrusted",
        [binding_request()],
        lambda data: lite.receive_untrusted(data, Path("192.0.2.1", 1), 0.0),
    )


def drivers() -> list[Driver]:
    ours, theirs = keys()
    rtp_in, rtcp_in = ours.receiving(), ours.receiving()
    link = Link()
    out = theirs.sending()
    sdp = [wire(text) for text in OFFERS.values()]
    page = wire(OFFERS["Chromium"].replace("a=mid:0", "a=mid:mix").replace("actpass", "active"))
    report = receiver_report(5, (BLOCK, BLOCK))
    return [
        Driver("spaces.sfu.demux.demux_untrusted", [rtp(), COMPOUND, binding_request()], demux_untrusted),
        Driver("spaces.sfu.stun.parse_binding_request_untrusted", [binding_request()], parse_binding_request_untrusted),
        ice_driver(),
        Driver("spaces.sfu.rtp.parse_rtp_untrusted", [rtp(), rtp(RED)], lambda data: parse_rtp_untrusted(data, 1)),
        Driver("spaces.sfu.rtp.split_red_untrusted", [RED], split_red_untrusted),
        Driver("spaces.sfu.rtcp.parse_rtcp_untrusted", [COMPOUND, report], parse_rtcp_untrusted),
        Driver("spaces.sfu.link.Link.check_reporter_untrusted", [COMPOUND], link.check_reporter_untrusted),
        Driver(
            "spaces.sfu.srtp.unprotect_untrusted", [out.protect(rtp())], lambda data: unprotect_untrusted(rtp_in, data)
        ),
        Driver(
            "spaces.sfu.srtp.unprotect_rtcp_untrusted",
            [out.protect_rtcp(report)],
            lambda data: unprotect_rtcp_untrusted(rtcp_in, data),
        ),
        uplink_driver(),
        Driver(
            "spaces.sfu.dtls_alert.is_close_notify_untrusted",
            [close_notify(ALERT_KEYS), 2 * close_notify(ALERT_KEYS)],
            lambda data: is_close_notify_untrusted(data, ALERT_KEYS),
        ),
        Driver("spaces.sfu.uplink.Uplink._blocks_untrusted", [rtp(), rtp(RED, 63)], parsed_as_packet),
        Driver("spaces.sfu.uplink.Uplink._check_rate_untrusted", [bytes(20)], check_rate),
        Driver("spaces.mixing.opus.packet_samples_untrusted", OPUS, packet_samples_untrusted),
        Driver("spaces.signaling.sdp.parse_offer_untrusted", sdp, parse_offer_untrusted),
        Driver(
            "spaces.signaling.sdp.parse_page_answer_untrusted",
            [page],
            lambda data: parse_page_answer_untrusted(data.decode("utf-8", "surrogateescape")),
        ),
        *node_drivers(),
        *token_drivers(),
        *mail_drivers(),
        *provider_drivers(),
        Driver(
            "access.gift_codes.gift_of_untrusted", [gift_codes.new(7)[0].encode()], text(gift_codes.gift_of_untrusted)
        ),
    ]


def text(function: Callable[[str], object]) -> Callable[[bytes], object]:
    return lambda data: function(data.decode("utf-8", "surrogateescape"))


def node_drivers() -> list[Driver]:
    """What other nodes say, or somebody in their name."""
    packet = RelayPacket("aSpace", 7, 1, 2, 960, b"opus")
    stamp = make_stamp(Stamp("one.1", "192.0.2.1"), KEY, "GET", "/v1/me", NOW.timestamp())

    def read(text: str) -> object:
        return read_stamp_untrusted(text, KEY, "GET", "/v1/me", NOW.timestamp())

    return [
        Driver(
            "spaces.sfu.relay_packet.parse_relay_untrusted", [pack_relay(packet, KEY)],
            lambda data: parse_relay_untrusted(data, KEY),
        ),
        Driver("spaces.signaling.node_stamp.read_stamp_untrusted", [stamp.encode()], text(read)),
    ]  # fmt: skip


def provider_drivers() -> list[Driver]:
    """What an OpenID provider says of somebody, claims of every shape under a good signature too, and our own cookie."""
    key = ec.generate_private_key(ec.SECP256R1())
    public = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key())) | {"alg": "ES256", "kid": "1"}
    said = {
        "iss": "https://id.example",
        "aud": "us",
        "sub": "ada",
        "nonce": "n",
        "email": "a@b.c",
        "email_verified": True,
    }
    claims = json.dumps(said | {"exp": NOW.timestamp() + 60, "iat": NOW.timestamp()}).encode()

    def signed(data: bytes) -> str:
        return jwt.api_jws.encode(data, key, algorithm="ES256", headers={"kid": "1"})

    def read(token: str) -> object:
        return read_id_token_untrusted(
            token, [public], issuer="https://id.example", client_id="us", nonce="n", now=NOW
        )  # fmt: skip

    cookie = sealed(begin(), KEY, NOW).encode()
    name = "spaces.oidc."
    return [
        Driver(f"{name}id_token.read_id_token_untrusted", [signed(claims).encode()], text(read)),
        Driver(f"{name}id_token.read_id_token_untrusted", [claims], lambda data: read(signed(data))),
        Driver(
            f"{name}request.opened_untrusted", [cookie], text(lambda said: opened_untrusted(said, KEY, NOW))
        ),
    ]  # fmt: skip


def mail_drivers() -> list[Driver]:
    """Links that people follow out of mails, and what the mail server says of them."""
    links, name = MailLinks(KEY, lambda: "https://live.example"), "spaces.newsletters."
    made = (links.unsubscribe(1, 2), links.confirm(3, NOW), links.withdraw_reminder(4, 5))
    token, asked, withdraw = (link.rsplit("/", 1)[1] for link in made)

    return [
        Driver(
            f"{name}links.MailLinks.read_unsubscribe_untrusted", [token.encode(), asked.encode()],
            text(links.read_unsubscribe_untrusted),
        ),
        Driver(
            f"{name}links.MailLinks.read_confirm_untrusted", [asked.encode(), token.encode()],
            text(lambda link: links.read_confirm_untrusted(link, NOW)),
        ),
        Driver(
            f"{name}links.MailLinks.read_withdraw_untrusted", [withdraw.encode(), token.encode()],
            text(links.read_withdraw_untrusted),
        ),
        Driver(
            "spaces.db.listing.read_cursor_untrusted", [b"l1764320000000000.4fJ2k", b"p0.a"], text(read_cursor_untrusted)
        ),
        Driver(
            f"{name}links.MailLinks.read_message_id_untrusted",
            [links.message_id(7).encode(), links.reminder_message_id(7).encode()],
            text(links.read_message_id_untrusted),
        ),
        Driver(
            f"{name}webhook.check_signature_untrusted", [sign(SECRET, b"{}", NOW).encode()],
            text(lambda header: check_signature_untrusted(header, b"{}", SECRET, NOW)),
        ),
    ]  # fmt: skip


def token_drivers() -> list[Driver]:
    """Tokens as they come, and account claims of every shape under a good signature: the integrator makes those."""
    account = make_account_token("key-1", SECRET, Identity("person", "Ada", "ada"), now=NOW).encode()
    join, _ = make_join_token(KEY, account=1, space="room", creator=2, epoch=3, now=NOW, not_after=None)
    claims = jwt.api_jws.decode_complete(account, options={"verify_signature": False})["payload"]

    said = {"iss": "key-1", "aud": INTEGRATION_AUDIENCE, "exp": int(NOW.timestamp()) + 60}
    site = jwt.encode(said, SECRET, algorithm="HS256")

    def account_claims(data: bytes) -> object:
        return read_account_token_untrusted(jwt.api_jws.encode(data, SECRET, algorithm="HS256"), SECRET, NOW)

    name = "access.tokens."
    return [
        Driver("access.guests.is_guest_pass_untrusted", [b"guest_abc", join.encode()], text(is_guest_pass_untrusted)),
        Driver(f"{name}is_join_token_untrusted", [join.encode(), account], text(is_join_token_untrusted)),
        Driver(f"{name}is_integration_token_untrusted", [site.encode(), account], text(is_integration_token_untrusted)),
        Driver(
            f"{name}check_integration_token_untrusted", [site.encode(), account],
            text(lambda token: check_integration_token_untrusted(token, SECRET, NOW)),
        ),
        Driver(f"{name}issuer_untrusted", [account], text(issuer_untrusted)),
        Driver(
            f"{name}read_account_token_untrusted", [account],
            text(lambda token: read_account_token_untrusted(token, SECRET, NOW)),
        ),
        Driver(f"{name}read_account_token_untrusted", [claims], account_claims),
        Driver(
            f"{name}read_join_token_untrusted", [join.encode()],
            text(lambda token: read_join_token_untrusted(token, KEY, "room", NOW)),
        ),
    ]  # fmt: skip


REACHED_THROUGH_OTHERS = {
    "spaces.sounds.reading.SoundReader.read_untrusted": "unit/test_sound_files.py: it asks a process of its own",
    "spaces.newsletters.links.MailLinks._read_untrusted": "MailLinks.read_unsubscribe_untrusted",
    "spaces.signaling.sdp._parse_untrusted": "parse_offer_untrusted",
    "spaces.signaling.sdp._attribute_untrusted": "parse_offer_untrusted",
    "spaces.sfu.incoming.Incoming._stun_untrusted": "test_a_whole_plane",
    "spaces.sfu.incoming.Incoming._rtp_untrusted": "test_a_whole_plane",
    "spaces.sfu.dtls.DtlsEndpoint._after_untrusted": "test_a_whole_plane",
    "spaces.sfu.peer.Peer.receive_rtp_untrusted": "test_a_whole_plane",
    "spaces.sfu.peer.Peer.receive_rtcp_untrusted": "test_a_whole_plane",
}


def mutate(valid: bytes, chance: random.Random) -> bytes:
    """Flip, cut, repeat, insert, overwrite with extremes."""
    data = bytearray(valid)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(data)) if data else 0
        match chance.randrange(6):
            case 0 if data:
                data[at] ^= 1 << chance.randrange(8)
            case 1:
                del data[at:]
            case 2:
                data[at:at] = data[at : at + chance.randrange(40)]
            case 3:
                data[at:at] = chance.randbytes(chance.randrange(1, 9))
            case 4:
                data[at : at + chance.choice((1, 2, 4))] = chance.choice((b"\0", b"\xff")) * chance.choice((1, 2, 4))
            case _:
                del data[at : at + chance.randrange(1, 9)]
    return bytes(data)


def inputs(valid: list[bytes], chance: random.Random, rounds: int = ROUNDS) -> Iterable[bytes]:
    yield b""
    yield from valid
    for whole in valid:
        yield from (whole[:n] for n in range(min(len(whole), 300)))
    for n in range(rounds):
        yield chance.randbytes(n % 200) if n % 3 == 0 else mutate(chance.choice(valid), chance)


def test_every_untrusted_function_is_driven() -> None:
    covered = {driver.covers for driver in drivers()} | set(REACHED_THROUGH_OTHERS)
    found = untrusted_functions()
    assert found - covered == set(), "these read unauthenticated bytes and nobody fuzzes them"
    assert covered - found == set(), "these are gone: so should their drivers be"


@pytest.mark.parametrize("driver", drivers(), ids=lambda driver: driver.covers)
@pytest.mark.parametrize("seed", range(2))
def test_a_value_or_a_remote_error(driver: Driver, seed: int) -> None:
    chance = random.Random(seed)
    values, causes = 0, set[str]()
    for data in inputs(driver.valid, chance):
        try:
            driver.call(data)
            values += 1
        except TokenError as error:  # access knows nothing of Spaces: its RemoteError
            causes.add(error.code)
        except IdTokenError:
            causes.add("id_token")
        except RemoteError as error:
            causes.add(error.cause)
        except Exception as error:
            pytest.fail(f"seed {seed}: {data!r} made {error!r}")
    assert all(re.fullmatch("[a-z_]+", cause) for cause in causes), "a cause is a metric's label"
    assert values or "srtp" in driver.covers or "ice" in driver.covers, "the valid inputs are not valid"


async def test_a_whole_plane(caplog: pytest.LogCaptureFixture) -> None:
    """A connected client sends noise in every wrapping that he has the keys to: nothing is raised, nobody is disturbed."""
    chance = random.Random(1)
    async with running() as plane:
        client = await plane.connected("ada", SPEAKING)
        other = await plane.connected("bob", SPEAKING)
        counted = await _noise(plane, client.send, chance)
        for n, data in enumerate(inputs([COMPOUND], chance, 300)):
            padded = data.ljust(8, b"\0")
            client.send(client.report(bytes((0x80, 200 + n % 5)) + padded[2:8] + data[8:]))
            counted += 1
        for data in inputs([b"\xf8opus", RED], chance, 300):
            client.send(client.packet(data[:1_200], payload_type=chance.choice((111, 63, 0))))
            counted += 1
            if counted % 32 == 0:
                plane.clock.now += 1.0
                await _received(plane, counted)
        await _received(plane, counted)
        assert client.session.connected
        assert other.session.connected
        assert other.undecryptable == 0
        plane.tick(50)
        for one in (client, other):
            one.session.close()
        assert plane.left_behind() == {}
    assert [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")] == []


async def _noise(plane: Plane, send: Callable[[bytes], None], chance: random.Random) -> int:
    counted = _in(plane)
    for data in inputs([binding_request(), rtp(), COMPOUND, bytes((22, 254, 253)) + bytes(40)], chance, 600):
        if data:
            send(data)
            counted += 1
        if counted % 32 == 0:
            await _received(plane, counted)
    await _received(plane, counted)
    return counted


def _in(plane: Plane) -> int:
    plane.metrics.refresh()
    return int(plane.metrics.registry.get_sample_value("spaces_packets_total", {"direction": "in"}) or 0)


def _received(plane: Plane, count: int) -> Awaitable[None]:
    return until(lambda: _in(plane) >= count)
