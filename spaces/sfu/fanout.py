"""The hot loop: one encoded packet to thousands of listeners, each datagram encrypted with its listener's keys.

A listener is a row of preallocated arrays, not an object. Once per tick one compiled call, holding no GIL, walks the rows
of every Space that has a packet: copy the payload behind a fixed header, write the row's payload type and sequence, encrypt
(AES-128-GCM, what browsers take, by `gcm`; any other profile by libsrtp's function pointer), and hand batches to the kernel
with sendmmsg. What is left is nearly all the kernel's work.

The audio thread alone touches a Fanout. A row's keys are kept alive by the row; when it is removed they are told the index of
its last packet.
"""

from __future__ import annotations

import errno
import time
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit, types
from pylibsrtp._binding import ffi, lib

from spaces.errors import LocalError
from spaces.mixing.redundancy import add_redundancy, remember
from spaces.native import ADDRESS, INT, c_function
from spaces.sfu.gcm import CIPHER_BYTES, HEADER_BYTES, NO_INDEX, SCRATCH_BYTES, GcmKeys, next_index, seal
from spaces.sfu.srtp import MixKeys
from spaces.sfu.vectors import SUPPORTED

BATCH = 256
"""Datagrams a sendmmsg; the kernel takes at most 1,024, and past some dozens nothing is gained."""
DATAGRAM_BYTES_MAX = 1_500
NAME_BYTES = 28
"""struct sockaddr_in6; sockaddr_in is shorter."""
CONTROL_BYTES = 40
"""CMSG_SPACE(struct in6_pktinfo); in_pktinfo takes 32."""
WAIT_MILLISECONDS = 2
WAITS_PER_TICK_MAX = 2
"""How long, and how often, a tick waits for room in a full socket buffer before it drops what is left of a batch: longer
would make the next tick late for everybody."""

SENT, FAILED_PROTECT, FAILED_SEND, FAILED_FULL = range(4)
"""Indices of the kernel's counters."""

_sendmmsg = c_function("sendmmsg", INT, INT, ADDRESS, types.uint32, INT)
_poll = c_function("poll", INT, ADDRESS, types.uint64, INT)
_errno_location = c_function("__errno_location", ADDRESS)
_clock_gettime = c_function("clock_gettime", INT, INT, ADDRESS)
_memcpy = c_function("memcpy", ADDRESS, ADDRESS, ADDRESS, types.uint64)
_protect = c_function(
    "srtp_protect", INT, ADDRESS, ADDRESS, ADDRESS,
    address=int(ffi.cast("intptr_t", ffi.addressof(lib, "srtp_protect"))),
)  # fmt: skip
_EAGAIN, _EINTR, _ENOBUFS = errno.EAGAIN, errno.EINTR, errno.ENOBUFS
_MSG_NOSIGNAL = 0x4000
_CLOCK_MONOTONIC = time.CLOCK_MONOTONIC


class Rows(NamedTuple):
    """The listeners as compiled code takes them; the first index is the row."""

    context: np.ndarray  # uint64: srtp_t; 0: the row has a cipher
    cipher: np.ndarray  # uint8 (rows, CIPHER_BYTES): gcm's
    packet_index: np.ndarray  # int64: SRTP packet index of the last packet that a cipher has sealed
    payload_type: np.ndarray  # uint8: of Opus
    red_payload_type: np.ndarray  # uint8: 0: he gets plain Opus
    offset: np.ndarray  # uint16: his sequence is the program's and this
    sent: np.ndarray  # uint32: datagrams so far
    octets: np.ndarray  # uint32: and the bytes of their payloads
    name: np.ndarray  # uint8 (rows, NAME_BYTES): struct sockaddr
    control: np.ndarray  # uint8 (rows, CONTROL_BYTES): struct cmsghdr
    template: np.ndarray  # uint64 (rows, 4): name pointer and length, control pointer and length


class Outgoing(NamedTuple):
    """One batch of datagrams in the kernel's structures, and what happened."""

    fd: int
    buffers: np.ndarray  # uint8 (BATCH, DATAGRAM_BYTES_MAX)
    vectors: np.ndarray  # uint64 (BATCH, 2): struct iovec
    messages: np.ndarray  # uint64 (BATCH, 8): struct mmsghdr
    scratch: np.ndarray  # uint8 (SCRATCH_BYTES)
    work: np.ndarray  # int32 (4): two for system calls, a packet's length, waits in this tick
    time: np.ndarray  # int64 (2): struct timespec
    counters: np.ndarray  # int64 (4)


@njit(nogil=True, cache=True)
def _flush(count, out):  # type: ignore[no-untyped-def]
    """Send the first `count` messages; waits a little for room, steps over datagrams that the kernel refuses."""
    work, counters, done = out.work, out.counters, 0
    while done < count:
        sent = _sendmmsg(out.fd, out.messages.ctypes.data + done * 64, count - done, _MSG_NOSIGNAL)
        if sent > 0:
            done += sent
            counters[SENT] += sent
            continue
        _memcpy(work.ctypes.data, _errno_location(), 4)
        error = work[0]
        if error == _EINTR:
            continue
        if error in (_EAGAIN, _ENOBUFS):
            if work[3] >= WAITS_PER_TICK_MAX:
                counters[FAILED_FULL] += count - done
                return
            work[3] += 1
            work[0] = out.fd  # struct pollfd: fd, then events = POLLOUT
            work[1] = 4
            _poll(work.ctypes.data, 1, WAIT_MILLISECONDS)
            continue
        # The first datagram was refused (no route, a dead address): it is one listener's trouble, not the batch's.
        counters[FAILED_SEND] += 1
        done += 1


@njit(nogil=True, cache=True)
def _write_header(b, payload_type, marker, sequence, timestamp, ssrc):  # type: ignore[no-untyped-def]
    b[0] = 0x80
    b[1] = payload_type | (0x80 if marker else 0)
    b[2] = (sequence >> 8) & 0xFF
    b[3] = sequence & 0xFF
    for i in range(4):
        b[4 + i] = (timestamp >> (24 - 8 * i)) & 0xFF
        b[8 + i] = (ssrc >> (24 - 8 * i)) & 0xFF


@njit(nogil=True, cache=True)
def _sealed_by_libsrtp(row, b, size, rows, out):  # type: ignore[no-untyped-def]
    out.work[2] = HEADER_BYTES + size
    return out.work[2] if _protect(rows.context[row], b.ctypes.data, out.work.ctypes.data + 8) == 0 else 0


@njit(nogil=True, cache=True)
def _sealed(row, b, size, ssrc, sequence, rows, out):  # type: ignore[no-untyped-def]
    """Encrypt the packet in `b` with the row's keys; its bytes, or 0: its sequence is not after the row's last."""
    if rows.context[row] != 0:
        return _sealed_by_libsrtp(row, b, size, rows, out)
    index = next_index(rows.packet_index[row], sequence)
    if index == NO_INDEX:
        return 0
    rows.packet_index[row] = index
    cipher = np.uint64(rows.cipher.ctypes.data) + np.uint64(row) * np.uint64(CIPHER_BYTES)
    packet, scratch = np.uint64(b.ctypes.data), np.uint64(out.scratch.ctypes.data)
    return np.int64(seal(cipher, packet, size, ssrc, index, scratch))


if not SUPPORTED:  # nobody has GcmKeys then
    _sealed = njit(nogil=True, cache=True)(
        lambda row, b, size, ssrc, sequence, rows, out: _sealed_by_libsrtp(row, b, size, rows, out)
    )


@njit(nogil=True, cache=True)
def fan_out(order, which, due, programs, rows, out):  # type: ignore[no-untyped-def]
    """Send every program's packet to its rows; the seconds (CLOCK_MONOTONIC) when the last one had left.

    `order`, int32 (n): rows in sending order; `which`, int32 (n): the program of each; `due`, int32: the programs of this
    tick, of whose rows (mixing.programs.ProgramRows) sequence, resting and what RED needs go on.
    """
    filled = 0
    out.work[3] = 0
    for i in range(order.shape[0]):
        p = which[i]
        program = programs.state[p]
        n = program.bytes
        if n == 0:
            continue
        row = order[i]
        b = out.buffers[filled]
        opus, red = rows.payload_type[row], rows.red_payload_type[row]
        if red != 0 and program.red_blocks == 0:
            add_redundancy(p, programs)
        redundant = red != 0 and program.red_blocks > 1
        sequence = (program.sequence + rows.offset[row]) & 0xFFFF
        _write_header(b, red if redundant else opus, program.resting, sequence, program.timestamp, program.ssrc)
        if redundant:
            n = program.red_bytes
            _memcpy(b.ctypes.data + HEADER_BYTES, programs.red[p].ctypes.data, n)
            last = HEADER_BYTES + 4 * (program.red_blocks - 1)
            for h in range(HEADER_BYTES, last, 4):
                b[h] = 0x80 | opus
            b[last] = opus
        else:
            _memcpy(b.ctypes.data + HEADER_BYTES, programs.payload[p].ctypes.data, n)
        sealed = _sealed(row, b, n, program.ssrc, sequence, rows, out)
        if sealed == 0:
            out.counters[FAILED_PROTECT] += 1
            continue
        rows.sent[row] += 1
        rows.octets[row] += n
        out.vectors[filled, 1] = sealed
        message = out.messages[filled]
        message[0] = rows.template[row, 0]
        message[1] = rows.template[row, 1]
        message[4] = rows.template[row, 2]
        message[5] = rows.template[row, 3]
        filled += 1
        if filled == BATCH:
            _flush(filled, out)
            filled = 0
    if filled:
        _flush(filled, out)
    for i in range(due.shape[0]):
        program = programs.state[due[i]]
        if program.collected == 0:  # a packet was due
            program.resting = program.bytes == 0
        if program.bytes > 0:
            program.sequence = (program.sequence + 1) & 0xFFFF
            remember(due[i], programs)
    _clock_gettime(_CLOCK_MONOTONIC, out.time.ctypes.data)
    return out.time[0] + 1e-9 * out.time[1]


@dataclass(frozen=True, slots=True)
class WirePath:
    """Where a row's datagrams go, in the kernel's structures: sockaddr and control message (empty: none)."""

    name: bytes
    control: bytes = b""


class Fanout:
    """The rows of all listeners of a node, and the buffers of the loop."""

    def __init__(self, fd: int, rows: int = 1_024) -> None:
        self._keys: dict[int, MixKeys] = {}
        self._free = list(range(rows - 1, -1, -1))
        self.outgoing = _outgoing(fd)
        self.counters = self.outgoing.counters
        self.rows = _rows(rows)

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, keys: MixKeys, payload_type: int, path: WirePath) -> int:
        """A new row; O(1), amortised over growth by doubling."""
        if not self._free:
            self._grow()
        row, rows = self._free.pop(), self.rows
        self._keys[row] = keys
        if isinstance(keys, GcmKeys):
            rows.context[row], rows.packet_index[row] = 0, keys.index
            rows.cipher[row] = keys.cipher
        else:
            rows.context[row] = int(ffi.cast("uintptr_t", keys._srtp[0]))
        rows.payload_type[row] = payload_type
        rows.red_payload_type[row] = rows.offset[row] = rows.sent[row] = rows.octets[row] = 0
        self.set_path(row, path)
        return row

    def remove(self, row: int) -> None:
        """Forget a row; its keys go with the last reference, and otherwise go on after the last packet."""
        keys = self._keys.pop(row)
        if isinstance(keys, GcmKeys):
            keys.index = int(self.rows.packet_index[row])
        self.rows.context[row] = 0
        self.rows.cipher[row] = 0
        self._free.append(row)

    def set_path(self, row: int, path: WirePath) -> None:
        if len(path.name) > NAME_BYTES or len(path.control) > CONTROL_BYTES:
            raise LocalError("a socket address is longer than its row")
        rows = self.rows
        rows.name[row, : len(path.name)] = np.frombuffer(path.name, np.uint8)
        rows.control[row, : len(path.control)] = np.frombuffer(path.control, np.uint8)
        control = rows.control[row].ctypes.data if path.control else 0
        rows.template[row] = (rows.name[row].ctypes.data, len(path.name), control, len(path.control))

    def _grow(self) -> None:
        old, rows = self.rows, len(self.rows.context)
        self.rows = _rows(2 * rows)
        for source, target in zip(old, self.rows, strict=True):
            target[:rows] = source
        template = self.rows.template  # the addresses have moved
        template[:, 0] = self.rows.name.ctypes.data + NAME_BYTES * np.arange(2 * rows, dtype=np.uint64)
        control = self.rows.control.ctypes.data + CONTROL_BYTES * np.arange(2 * rows, dtype=np.uint64)
        template[:, 2] = np.where(template[:, 3] > 0, control, 0)
        self._free = list(range(2 * rows - 1, rows - 1, -1))


def _rows(rows: int) -> Rows:
    return Rows(
        context=np.zeros(rows, np.uint64),
        cipher=np.zeros((rows, CIPHER_BYTES), np.uint8),
        packet_index=np.zeros(rows, np.int64),
        payload_type=np.zeros(rows, np.uint8),
        red_payload_type=np.zeros(rows, np.uint8),
        offset=np.zeros(rows, np.uint16),
        sent=np.zeros(rows, np.uint32),
        octets=np.zeros(rows, np.uint32),
        name=np.zeros((rows, NAME_BYTES), np.uint8),
        control=np.zeros((rows, CONTROL_BYTES), np.uint8),
        template=np.zeros((rows, 4), np.uint64),
    )


def _outgoing(fd: int) -> Outgoing:
    out = Outgoing(
        fd=fd,
        buffers=np.zeros((BATCH, DATAGRAM_BYTES_MAX), np.uint8),
        vectors=np.zeros((BATCH, 2), np.uint64),
        messages=np.zeros((BATCH, 8), np.uint64),
        scratch=np.zeros(SCRATCH_BYTES, np.uint8),
        work=np.zeros(4, np.int32),
        time=np.zeros(2, np.int64),
        counters=np.zeros(4, np.int64),
    )
    out.vectors[:, 0] = out.buffers.ctypes.data + DATAGRAM_BYTES_MAX * np.arange(BATCH, dtype=np.uint64)
    out.messages[:, 2] = out.vectors.ctypes.data + 16 * np.arange(BATCH, dtype=np.uint64)
    out.messages[:, 3] = 1
    return out
