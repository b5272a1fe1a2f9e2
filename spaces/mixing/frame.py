"""A whole tick in one compiled call without the GIL: packets in, sound, datagrams out.

An entry into compiled code that releases the GIL has to win it back from a busy event loop. So there is one per tick, and when
it asks for the GIL again, the datagrams have left.
"""

from __future__ import annotations

from numba import njit

from spaces.mixing.jitter import insert_all
from spaces.mixing.render import render
from spaces.sfu.fanout import fan_out


@njit(nogil=True, cache=True)
def make_frames(packets, now, rules, layout, speakers, programs, scratch, rows, outgoing):  # type: ignore[no-untyped-def]
    """Take the speakers' packets, make a frame of every Space of the layout, send it; when it had been sent, in seconds."""
    insert_all(packets, speakers)
    render(now, rules, layout, speakers, programs, scratch)
    return fan_out(layout.order, layout.which, layout.program_rows, programs, rows, outgoing)
