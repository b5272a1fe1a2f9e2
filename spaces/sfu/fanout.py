"""The hot loop: one encoded packet to thousands of listeners, each datagram encrypted with its listener's keys.

A listener is a row of preallocated arrays, not an object. Once per tick one compiled call, holding no GIL, walks the rows
of every Space that has a packet: copy the payload behind a fixed header, write the row's payload type and sequence, call
libsrtp by its function pointer, and hand batches to the kernel with sendmmsg. What is left is nearly all the kernel's work.

The audio thread alone touches a Fanout. A row's SRTP context is kept alive by the row and dropped when the row is removed.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass

import numpy as np
from numba import njit, types
from pylibsrtp import Session
from pylibsrtp._binding import ffi, lib

from spaces.errors import LocalError
from spaces.mixing.opus import FRAME
from spaces.mixing.programs import ProgramRows
from spaces.native import ADDRESS, INT, c_function

BATCH = 256
"""Datagrams a sendmmsg; the kernel takes at most 1,024, and past some dozens nothing is gained."""
DATAGRAM_BYTES_MAX = 1_500
HEADER_BYTES = 12
PROTECTION_BYTES_MAX = 16
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
_memcpy = c_function("memcpy", ADDRESS, ADDRESS, ADDRESS, types.uint64)
_protect = c_function(
    "srtp_protect", INT, ADDRESS, ADDRESS, ADDRESS,
    address=int(ffi.cast("intptr_t", ffi.addressof(lib, "srtp_protect"))),
)  # fmt: skip
_EAGAIN, _EINTR, _ENOBUFS = errno.EAGAIN, errno.EINTR, errno.ENOBUFS
_MSG_NOSIGNAL = 0x4000


@njit(nogil=True, cache=True)
def _flush(fd, messages, count, work, counters):  # type: ignore[no-untyped-def]
    """Send messages[0:count]; waits a little for room, steps over datagrams that the kernel refuses."""
    done = 0
    while done < count:
        sent = _sendmmsg(fd, messages.ctypes.data + done * 64, count - done, _MSG_NOSIGNAL)
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
            work[0] = fd  # struct pollfd: fd, then events = POLLOUT
            work[1] = 4
            _poll(work.ctypes.data, 1, WAIT_MILLISECONDS)
            continue
        # The first datagram was refused (no route, a dead address): it is one listener's trouble, not the batch's.
        counters[FAILED_SEND] += 1
        done += 1


@njit(nogil=True, cache=True)
def fan_out(  # type: ignore[no-untyped-def]
    fd,
    order,  # int32 (n): rows in sending order
    which,  # int32 (n): which program each of them gets
    due,  # int32: the programs of this tick
    programs,  # mixing.programs.ProgramRows: state, payload and red are read; sequence, clock and resting go on
    context,  # uint64 (rows): srtp_t
    payload_type,  # uint8 (rows): of Opus
    red_payload_type,  # uint8 (rows): 0: he gets plain Opus
    offset,  # uint16 (rows)
    sent,  # uint32 (rows): datagrams so far
    octets,  # uint32 (rows): and the bytes of their payloads
    message_template,  # uint64 (rows, 4): name pointer and length, control pointer and length
    buffers,  # uint8 (BATCH, DATAGRAM_BYTES_MAX)
    vectors,  # uint64 (BATCH, 2): struct iovec
    messages,  # uint64 (BATCH, 8): struct mmsghdr
    work,  # int32 (4): two for system calls, a packet's length, waits in this tick
    counters,  # int64 (4)
):
    """Send every program's packet to its rows. Arrays are preallocated by Fanout."""
    filled = 0
    work[3] = 0
    for i in range(order.shape[0]):
        p = which[i]
        program = programs.state[p]
        n = program.bytes
        if n == 0:
            continue
        row = order[i]
        b = buffers[filled]
        redundant = red_payload_type[row] != 0 and program.red_blocks > 1
        marker = 0x80 if program.resting else 0
        sequence = program.sequence + offset[row]
        ssrc, timestamp = program.ssrc, program.timestamp
        b[0] = 0x80
        b[1] = (red_payload_type[row] if redundant else payload_type[row]) | marker
        b[2] = (sequence >> 8) & 0xFF
        b[3] = sequence & 0xFF
        b[4] = (timestamp >> 24) & 0xFF
        b[5] = (timestamp >> 16) & 0xFF
        b[6] = (timestamp >> 8) & 0xFF
        b[7] = timestamp & 0xFF
        b[8] = (ssrc >> 24) & 0xFF
        b[9] = (ssrc >> 16) & 0xFF
        b[10] = (ssrc >> 8) & 0xFF
        b[11] = ssrc & 0xFF
        if redundant:
            n = program.red_bytes
            _memcpy(b.ctypes.data + HEADER_BYTES, programs.red[p].ctypes.data, n)
            last = HEADER_BYTES + 4 * (program.red_blocks - 1)
            for h in range(HEADER_BYTES, last, 4):
                b[h] = 0x80 | payload_type[row]
            b[last] = payload_type[row]
        else:
            _memcpy(b.ctypes.data + HEADER_BYTES, programs.payload[p].ctypes.data, n)
        work[2] = HEADER_BYTES + n
        if _protect(context[row], b.ctypes.data, work.ctypes.data + 8) != 0:
            counters[FAILED_PROTECT] += 1
            continue
        sent[row] += 1
        octets[row] += n
        vectors[filled, 1] = work[2]
        messages[filled, 0] = message_template[row, 0]
        messages[filled, 1] = message_template[row, 1]
        messages[filled, 4] = message_template[row, 2]
        messages[filled, 5] = message_template[row, 3]
        filled += 1
        if filled == BATCH:
            _flush(fd, messages, filled, work, counters)
            filled = 0
    if filled:
        _flush(fd, messages, filled, work, counters)
    for i in range(due.shape[0]):
        program = programs.state[due[i]]
        program.clock += FRAME
        if program.collected == 0:  # a packet was due
            program.resting = program.bytes == 0
        if program.bytes > 0:
            program.sequence = (program.sequence + 1) & 0xFFFF


@dataclass(frozen=True, slots=True)
class WirePath:
    """Where a row's datagrams go, in the kernel's structures: sockaddr and control message (empty: none)."""

    name: bytes
    control: bytes = b""


class Fanout:
    """The rows of all listeners of a node, and the buffers of the loop."""

    def __init__(self, fd: int, rows: int = 1_024) -> None:
        self.fd = fd
        self._contexts: dict[int, Session] = {}
        self._free = list(range(rows - 1, -1, -1))
        self._buffers = np.zeros((BATCH, DATAGRAM_BYTES_MAX), np.uint8)
        self._vectors = np.zeros((BATCH, 2), np.uint64)
        self._messages = np.zeros((BATCH, 8), np.uint64)
        for i in range(BATCH):
            self._vectors[i, 0] = self._buffers[i].ctypes.data
            self._messages[i, 2] = self._vectors[i].ctypes.data
            self._messages[i, 3] = 1
        self._work = np.zeros(4, np.int32)
        self.counters = np.zeros(4, np.int64)
        self._allocate(rows)

    def _allocate(self, rows: int) -> None:
        self.context = np.zeros(rows, np.uint64)
        self.payload_type = np.zeros(rows, np.uint8)
        self.red_payload_type = np.zeros(rows, np.uint8)
        self.offset = np.zeros(rows, np.uint16)
        self.sent = np.zeros(rows, np.uint32)
        self.octets = np.zeros(rows, np.uint32)
        self._name = np.zeros((rows, NAME_BYTES), np.uint8)
        self._control = np.zeros((rows, CONTROL_BYTES), np.uint8)
        self._template = np.zeros((rows, 4), np.uint64)

    def __len__(self) -> int:
        return len(self._contexts)

    def add(self, context: Session, payload_type: int, path: WirePath) -> int:
        """A new row; O(1), amortised over growth by doubling."""
        if not self._free:
            self._grow()
        row = self._free.pop()
        self._contexts[row] = context
        self.context[row] = int(ffi.cast("uintptr_t", context._srtp[0]))
        self.payload_type[row] = payload_type
        self.red_payload_type[row] = self.offset[row] = self.sent[row] = self.octets[row] = 0
        self.set_path(row, path)
        return row

    def remove(self, row: int) -> None:
        """Forget a row; its SRTP context is freed with the last reference."""
        del self._contexts[row]
        self.context[row] = 0
        self._free.append(row)

    def set_path(self, row: int, path: WirePath) -> None:
        if len(path.name) > NAME_BYTES or len(path.control) > CONTROL_BYTES:
            raise LocalError("a socket address is longer than its row")
        self._name[row, : len(path.name)] = np.frombuffer(path.name, np.uint8)
        self._control[row, : len(path.control)] = np.frombuffer(path.control, np.uint8)
        control = self._control[row].ctypes.data if path.control else 0
        self._template[row] = (self._name[row].ctypes.data, len(path.name), control, len(path.control))

    def _columns(self) -> list[np.ndarray]:
        counters = [self.sent, self.octets]
        types = [self.payload_type, self.red_payload_type]
        return [self.context, *types, self.offset, *counters, self._name, self._control, self._template]

    def _grow(self) -> None:
        rows = len(self.context)
        old = self._columns()
        self._allocate(2 * rows)
        for source, target in zip(old, self._columns(), strict=True):
            target[:rows] = source
        for row in range(rows):  # the addresses have moved
            self._template[row, 0] = self._name[row].ctypes.data
            self._template[row, 2] = self._control[row].ctypes.data if self._template[row, 3] else 0
        self._free = list(range(2 * rows - 1, rows - 1, -1))

    def send(self, order: np.ndarray, which: np.ndarray, due: np.ndarray, programs: ProgramRows) -> None:
        """One tick's packets to their rows; shapes and types as in `fan_out`."""
        fan_out(
            self.fd,
            order,
            which,
            due,
            programs,
            self.context,
            self.payload_type,
            self.red_payload_type,
            self.offset,
            self.sent,
            self.octets,
            self._template,
            self._buffers,
            self._vectors,
            self._messages,
            self._work,
            self.counters,
        )
