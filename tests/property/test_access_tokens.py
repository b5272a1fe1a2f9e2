"""Any bytes for a token end in an identity or in TokenError, and nothing that was changed is believed."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from access.errors import TokenError
from access.tokens import (
    Identity,
    is_join_token_untrusted,
    issuer_untrusted,
    make_account_token,
    make_join_token,
    read_account_token_untrusted,
    read_join_token_untrusted,
)

SECRET = "a secret of the tests, 32 bytes or longer"
JOIN_KEY = b"j" * 32
NOW = datetime(2026, 1, 1, tzinfo=UTC)
WHOLE = make_account_token("key", SECRET, Identity("s-1", "Ada", "ada"), now=NOW)
JOIN, _ = make_join_token(JOIN_KEY, account=1, space="aSpace", creator=2, epoch=3, now=NOW, not_after=None)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
claim_names = st.sampled_from(["iss", "sub", "exp", "nbf", "iat", "name", "handle", "aud", "jti", "space", "epoch"])


def read_all(token: str) -> None:
    """Every reader, each of which may only return or raise TokenError."""
    is_join_token_untrusted(token)
    for reader in (
        lambda: issuer_untrusted(token),
        lambda: read_account_token_untrusted(token, SECRET, NOW),
        lambda: read_join_token_untrusted(token, JOIN_KEY, "aSpace", NOW),
    ):
        with suppress(TokenError):
            reader()


def encoded(value: Any) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@given(st.text())
@example("." * 9_000)
@example("\ud800.\ud800.\ud800")
@example(f"{urlsafe_b64encode(b'[' * 5_000).decode()}.e30.")
def test_any_text(token: str) -> None:
    read_all(token)


@given(json_values, json_values, st.binary(max_size=40))
def test_any_json_in_the_shape_of_a_token(header: Any, payload: Any, signature: bytes) -> None:
    read_all(f"{encoded(header)}.{encoded(payload)}.{urlsafe_b64encode(signature).rstrip(b'=').decode()}")


@given(st.dictionaries(claim_names, json_values, max_size=8))
def test_any_claims_well_signed_by_an_integrator(claims: dict[str, Any]) -> None:
    signed = f"{encoded({'alg': 'HS256', 'typ': 'JWT'})}.{encoded(claims)}"
    mac = hmac.new(SECRET.encode(), signed.encode(), hashlib.sha256).digest()
    read_all(f"{signed}.{urlsafe_b64encode(mac).rstrip(b'=').decode()}")


@given(st.integers(0, len(WHOLE) - 1), st.characters(codec="ascii"))
def test_a_token_with_one_character_changed_says_the_same_or_nothing(position: int, character: str) -> None:
    changed = WHOLE[:position] + character + WHOLE[position + 1 :]
    try:
        identity = read_account_token_untrusted(changed, SECRET, NOW)
    except TokenError:
        return
    # Unused bits at the end of base64url and characters that decoders skip do not change what was signed.
    assert identity == Identity("s-1", "Ada", "ada")


@given(st.integers(0, len(JOIN) - 1))
def test_a_truncated_token_says_nothing(length: int) -> None:
    with pytest.raises(TokenError):
        read_join_token_untrusted(JOIN[:length], JOIN_KEY, "aSpace", NOW)


@given(st.floats(-10, 200_000), st.floats(1, 86_400))
def test_a_token_holds_exactly_until_it_expires(later: float, lifetime: float) -> None:
    token = make_account_token("key", SECRET, Identity("s", None, None), now=NOW, lifetime=timedelta(seconds=lifetime))
    expires = int((NOW + timedelta(seconds=lifetime)).timestamp())
    at = NOW + timedelta(seconds=later)
    if NOW.timestamp() <= at.timestamp() < expires:
        assert read_account_token_untrusted(token, SECRET, at).subject == "s"
    elif at.timestamp() >= expires:
        with pytest.raises(TokenError, match="token_expired"):
            read_account_token_untrusted(token, SECRET, at)


@given(st.none() | st.floats(0.001, 200))
def test_a_join_token_lives_sixty_seconds_at_most_and_no_longer_than_the_right(left: float | None) -> None:
    not_after = None if left is None else NOW + timedelta(seconds=left)
    token, expires_at = make_join_token(
        JOIN_KEY, account=1, space="aSpace", creator=2, epoch=3, now=NOW, not_after=not_after
    )
    assert expires_at <= NOW + timedelta(seconds=60)
    assert not_after is None or expires_at <= not_after
    assert read_join_token_untrusted(token, JOIN_KEY, "aSpace", NOW).account == 1
    with pytest.raises(TokenError, match="token_expired"):
        read_join_token_untrusted(token, JOIN_KEY, "aSpace", expires_at + timedelta(milliseconds=1))
