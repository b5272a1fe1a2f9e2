"""The one record that an association still sends and takes, compared with what OpenSSL makes of it."""

from __future__ import annotations

import contextlib
import os

import pytest
from OpenSSL import SSL

from spaces.sfu.certificate import Certificate
from spaces.sfu.dtls_alert import CIPHERS, RECORDS_READ_MAX, AlertKeys, close_notify, derive, is_close_notify_untrusted

CIPHER = pytest.mark.parametrize("cipher", CIPHERS)


def connected(cipher: str) -> tuple[SSL.Connection, SSL.Connection]:
    """OpenSSL's server and client, their handshake done."""
    contexts = Certificate().context, Certificate().context
    contexts[1].set_cipher_list(cipher.encode())
    server, client = map(SSL.Connection, contexts)
    for connection in (server, client):
        connection.set_ciphertext_mtu(1_200)
    server.set_accept_state()
    client.set_connect_state()
    for _ in range(6):
        for one, other in ((client, server), (server, client)):
            with contextlib.suppress(SSL.WantReadError):
                one.do_handshake()
            pass_on(one, other)
    assert client.get_cipher_name() == cipher
    return server, client


def pass_on(one: SSL.Connection, other: SSL.Connection) -> bytes:
    try:
        data = one.bio_read(65_536)
    except SSL.WantReadError:
        return b""
    other.bio_write(data)
    return data


def keys_of(connection: SSL.Connection, cipher: str) -> tuple[AlertKeys, AlertKeys]:
    master, client, server = connection.master_key(), connection.client_random(), connection.server_random()
    assert master is not None
    assert client is not None
    assert server is not None
    return derive(cipher, master, client, server)


@CIPHER
def test_openssl_takes_our_goodbye(cipher: str) -> None:
    server, client = connected(cipher)
    by_client, by_server = keys_of(server, cipher)
    for keys, hearing in ((by_server, client), (by_client, server)):
        hearing.bio_write(close_notify(keys))
        with pytest.raises(SSL.ZeroReturnError):
            hearing.recv(100)


@CIPHER
def test_we_take_openssls_goodbye_and_no_other(cipher: str) -> None:
    server, client = connected(cipher)
    by_client, by_server = keys_of(server, cipher)
    client.shutdown()
    said = client.bio_read(65_536)
    assert is_close_notify_untrusted(said, by_client)
    assert is_close_notify_untrusted(os.urandom(5) + b"", by_client) is False
    assert is_close_notify_untrusted(bytes((23, 254, 253)) + bytes(8) + b"\0\x02ab" + said, by_client), "behind another"
    assert not is_close_notify_untrusted(said, by_server), "said under the keys of the other direction"
    for place in range(len(said)):
        forged = said[:place] + bytes((said[place] ^ 1,)) + said[place + 1 :]
        assert not is_close_notify_untrusted(forged, by_client), place
        assert not is_close_notify_untrusted(said[:place], by_client), place


@CIPHER
def test_another_alert_is_no_goodbye(cipher: str) -> None:
    server, client = connected(cipher)
    by_client, _ = keys_of(server, cipher)
    client.send(b"data")
    assert not is_close_notify_untrusted(client.bio_read(65_536), by_client)


def test_keys_are_not_shown() -> None:
    assert "secret" not in repr(AlertKeys(CIPHERS[0], b"secret", b"salt"))


@CIPHER
def test_a_datagram_of_many_records_costs_the_decryption_of_a_few(cipher: str) -> None:
    keys = AlertKeys(cipher, os.urandom(32 if "CHACHA" in cipher else 16), os.urandom(12 if "CHACHA" in cipher else 4))
    goodbye = close_notify(keys)
    forged = goodbye[:-1] + bytes((goodbye[-1] ^ 1,))
    assert is_close_notify_untrusted(forged * (RECORDS_READ_MAX - 1) + goodbye, keys)
    assert not is_close_notify_untrusted(forged * RECORDS_READ_MAX + goodbye, keys)
