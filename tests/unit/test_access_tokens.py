"""Account tokens prove who, by HS256 and a known key alone; join tokens let somebody in once."""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import timedelta
from typing import Any

import jwt
import pytest

from access.decide import Action, Deny
from access.errors import AccessError, TokenError
from access.model import Account
from access.tokens import is_join_token_untrusted, make_join_token
from tests.harness.world import KEY, SECRET, START, World, open_to_all, subscribers_only

pytestmark = pytest.mark.thorough


def signed(claims: dict[str, Any], secret: str = SECRET, **options: Any) -> str:
    return jwt.encode(claims, secret, **({"algorithm": "HS256"} | options))


def claims(**changes: Any) -> dict[str, Any]:
    everything = {"iss": KEY, "sub": "s-1", "exp": int(START.timestamp()) + 3600} | changes
    return {name: value for name, value in everything.items() if value is not ...}


async def code_of(world: World, token: str) -> str:
    with pytest.raises(TokenError) as caught:
        await world.access.authenticate(token)
    return caught.value.code


async def test_an_unknown_sub_makes_an_account_and_a_known_one_finds_it(world: World) -> None:
    first = await world.access.authenticate(signed(claims(name="Ada Lovelace", handle="Ada")))
    assert (first.sub, first.name, first.handle, first.status) == ("s-1", "Ada Lovelace", "Ada", "active")
    assert await world.access.authenticate(signed(claims())) == first
    renamed = await world.access.authenticate(signed(claims(name="Countess")))
    assert (renamed.id, renamed.name) == (first.id, "Countess")
    other = await world.access.authenticate(signed(claims(sub="s-2", handle="ada")))
    assert other.id != first.id
    assert other.handle is None, "a handle is somebody's once"
    assert other.name == f"Account {other.id}"


async def test_an_account_is_found_by_id_handle_and_sub(world: World) -> None:
    ada = await world.access.authenticate(signed(claims(handle="Ada")))
    for ref in (str(ada.id), "@ada", "@ADA", "sub:s-1"):
        assert await world.access.find_account(ref, integration=ada.integration) == ada
    assert await world.access.find_account("sub:s-1", integration=99) is None
    for ref in ("", "0", "-1", "ada", "@", "9" * 19, "9" * 30, "sub:", "sub:\0", "@\ud800", "١"):
        assert await world.access.find_account(ref, integration=None) is None


async def test_many_first_tokens_at_once_make_one_account(world: World) -> None:
    token = signed(claims(handle="ada"))
    accounts = await asyncio.gather(*(world.access.authenticate(token) for _ in range(8)))
    assert len({account.id for account in accounts}) == 1
    assert await world.rows("SELECT count(*) FROM accounts") == [(1,)]


NOW = START.timestamp()


BAD_CLAIMS: list[tuple[dict[str, Any], str]] = [
    ({"exp": ...}, "token_claim"),
    ({"exp": None}, "token_claim"),
    ({"exp": "9999999999"}, "token_claim"),
    ({"exp": True}, "token_claim"),
    ({"exp": float("nan")}, "token_claim"),
    ({"exp": float("inf")}, "token_lifetime"),
    ({"exp": 10**400}, "token_lifetime"),
    ({"exp": NOW}, "token_expired"),
    ({"exp": NOW - 1}, "token_expired"),
    ({"exp": 0}, "token_expired"),
    ({"exp": -(10**400)}, "token_expired"),
    ({"exp": NOW + 86_400 + 60}, "token_lifetime"),
    ({"nbf": NOW + 30}, "token_not_yet_valid"),
    ({"nbf": "soon"}, "token_claim"),
    ({"sub": ...}, "token_claim"),
    ({"sub": ""}, "token_claim"),
    ({"sub": 17}, "token_claim"),
    ({"sub": "a\0"}, "token_claim"),
    ({"sub": "\ud800"}, "token_claim"),
    ({"sub": "x" * 256}, "token_claim"),
    ({"name": "x" * 101}, "token_claim"),
    ({"name": ["Ada"]}, "token_claim"),
    ({"handle": "not a handle"}, "token_claim"),
    ({"iss": ...}, "token_claim"),
    ({"iss": 5}, "token_claim"),
    ({"iss": "another-key"}, "token_key_unknown"),
    ({"iss": "\0"}, "token_claim"),
]


async def test_a_claim_that_does_not_hold_is_refused_by_name(world: World) -> None:
    for changes, code in BAD_CLAIMS:
        if "iss" in changes and not isinstance(changes["iss"], str):  # PyJWT refuses to write such an issuer
            token = by_hand({"alg": "HS256"}, claims(**changes))
        else:
            token = signed(claims(**changes))
        assert await code_of(world, token) == code, changes


async def test_times_at_their_limits_are_accepted(world: World) -> None:
    await world.access.authenticate(signed(claims(exp=NOW + 86_400, nbf=NOW)))
    await world.access.authenticate(signed(claims(exp=NOW + 0.5)))


def by_hand(header: dict[str, Any], payload: dict[str, Any], signature: bytes = b"") -> str:
    parts = [json.dumps(header).encode(), json.dumps(payload).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


async def test_the_wrong_key_and_every_other_algorithm_are_refused(world: World) -> None:
    assert await code_of(world, signed(claims(), "another secret of 32 bytes or longer")) == "token_signature"
    for algorithm in ("none", "None", "NONE", "RS256", "", None, ["HS256"]):
        assert await code_of(world, by_hand({"alg": algorithm, "typ": "JWT"}, claims())) in (
            "token_algorithm",
            "token_malformed",
        )
    assert await code_of(world, by_hand({"alg": "none"}, claims())) == "token_algorithm"
    assert await code_of(world, signed(claims(), SECRET * 2, algorithm="HS512")) == "token_algorithm"
    assert await code_of(world, by_hand({"alg": "HS256"}, claims())) == "token_signature"


NO_TOKENS = ["", ".", "..", "a.b.c", "x" * 9_000, "\ud800.a.b", "e30.e30.e30", "é.é.é"]


async def test_what_is_no_token_is_refused(world: World) -> None:
    for token in NO_TOKENS:
        assert await code_of(world, token) in ("token_malformed", "token_algorithm"), token[:20]


async def test_keys_rotate_without_changing_who_is_who(world: World) -> None:
    ada = await world.access.authenticate(signed(claims()))
    new, secret = await world.access.add_key()
    assert (await world.access.authenticate(signed(claims(iss=new.id), secret))).id == ada.id
    await world.access.revoke_key(KEY)
    assert await code_of(world, signed(claims())) == "token_key_revoked"
    assert (await world.access.authenticate(signed(claims(iss=new.id), secret))).id == ada.id
    assert {key.id: key.revoked_at is None for key in await world.access.keys()} == {KEY: False, new.id: True}
    with pytest.raises(AccessError, match="409 key_revoked"):
        await world.access.ensure_key(KEY, SECRET)
    other, secret = await world.access.add_key(integration="another site")
    assert (await world.access.authenticate(signed(claims(iss=other.id), secret))).id != ada.id


async def test_the_configured_secret_replaces_the_one_before(world: World) -> None:
    changed = "the next secret of the tests, 32 bytes or longer"
    await world.access.ensure_key(KEY, changed)
    assert await code_of(world, signed(claims())) == "token_signature"
    await world.access.authenticate(signed(claims(), changed))
    with pytest.raises(AccessError, match="422"):
        await world.access.ensure_key("short", "too short")


async def test_the_operator_mints_tokens(world: World) -> None:
    ada = await world.access.ensure_account("ada", name="Ada")
    assert await world.access.ensure_account("@Ada") == ada
    token = await world.access.mint_account_token(ada)
    assert await world.access.authenticate(token) == ada
    world.clock.forward(hours=24)
    assert await code_of(world, token) == "token_expired"
    await world.access.revoke_key(KEY)
    with pytest.raises(AccessError, match="409 no_key"):
        await world.access.mint_account_token(ada)


async def test_a_suspended_account_is_known_but_let_in_nowhere(world: World) -> None:
    _, creator = await world.creator()
    token = signed(claims())
    ada = await world.access.authenticate(token)
    cursor = await world.access.cursor()
    await world.access.suspend(ada)
    assert (await world.access.authenticate(token)).status == "suspended"
    denied = await world.access.decide(ada, Action.JOIN, open_to_all(creator))
    assert isinstance(denied, Deny)
    assert (denied.status, denied.reason) == (403, "suspended")
    changes, _ = await world.access.changes(cursor)
    assert [(change.account, change.creator) for change in changes] == [(ada.id, 0)]


# --- join tokens


async def join_token(world: World) -> tuple[str, Account, Any]:
    owner, creator = await world.creator()
    tier, fan = await world.tier(owner, creator), await world.person()
    paid = await world.subscribe(fan, creator, tier)
    minted = await world.access.mint_join_token(fan, subscribers_only(creator, tier))
    assert not isinstance(minted, Deny)
    assert minted[1] == world.clock.now + timedelta(seconds=60)
    return minted[0], fan, (owner, paid)


async def refused(world: World, token: str, space: str = "aSpace") -> str:
    with pytest.raises(TokenError) as caught:
        await world.access.redeem_join_token(token, space)
    return caught.value.code


async def test_a_join_token_is_used_once(world: World) -> None:
    token, fan, _ = await join_token(world)
    assert is_join_token_untrusted(token)
    assert not is_join_token_untrusted(signed(claims()))
    assert await world.access.redeem_join_token(token, "aSpace") == fan
    assert await refused(world, token) == "token_used"
    world.clock.forward(seconds=30)
    await world.access.sweep()
    assert await refused(world, token) == "token_used"


async def test_of_many_uses_at_once_one_succeeds(world: World) -> None:
    token, _, _ = await join_token(world)
    uses = [world.access.redeem_join_token(token, "aSpace") for _ in range(8)]
    outcomes = await asyncio.gather(*uses, return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Account"] + ["TokenError"] * 7


async def test_a_join_token_expires_and_is_for_one_space_and_from_this_server(world: World) -> None:
    token, _, _ = await join_token(world)
    assert await refused(world, token, "other") == "token_wrong_space"
    foreign, _ = make_join_token(
        b"x" * 32, account=1, space="aSpace", creator=1, epoch=0, now=world.clock(), not_after=None
    )
    assert await refused(world, foreign) == "token_key_unknown"
    assert await refused(world, signed(claims())) == "token_malformed"
    assert await code_of(world, token) in ("token_claim", "token_key_unknown")
    world.clock.forward(seconds=60)
    assert await refused(world, token) == "token_expired"


async def test_an_ended_right_voids_the_join_tokens_from_before(world: World) -> None:
    token, _, (owner, paid) = await join_token(world)
    await world.access.follows.cancel(owner, paid.id, at="now")
    assert await refused(world, token) == "token_revoked"


async def test_a_join_token_does_not_outlive_the_right(world: World) -> None:
    owner, creator = await world.creator()
    tier, fan = await world.tier(owner, creator), await world.person()
    end = world.clock.now + timedelta(seconds=10)
    await world.access.create_comp(owner, creator, fan, tier=tier.id, ends_at=end)
    minted = await world.access.mint_join_token(fan, subscribers_only(creator, tier))
    assert not isinstance(minted, Deny)
    assert minted[1] == end
    stranger = await world.person()
    assert isinstance(await world.access.mint_join_token(stranger, subscribers_only(creator, tier)), Deny)


async def test_nobody_in_particular_may_have_a_join_token_for_an_open_space(world: World) -> None:
    _, creator = await world.creator()
    minted = await world.access.mint_join_token(None, open_to_all(creator))
    assert not isinstance(minted, Deny)
    assert await world.access.redeem_join_token(minted[0], "anOpenSpace") is None
