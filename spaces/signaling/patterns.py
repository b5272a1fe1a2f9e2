"""What texts may be, as regular expressions that JSON Schema and requests are read with."""

from __future__ import annotations

TURNING = r"\u202a-\u202e\u2066-\u2069"
"""What turns the direction of text (`access.fields.TURNING`): with it a title or a name can be made to read as another."""
ID = r"^(?:[0-9]{1,18}|[0-8][0-9]{18})$(?!\n)"
"""A number that a database holds: below 9 · 10^18, and so below 2^63."""
ONE_LINE = rf"^(?=.*\S)[^\x00-\x1f\x7f-\x9f{TURNING}]*$(?!\n)"
"""Something to see and no control characters, which PostgreSQL stores in part only and a terminal obeys."""
PERHAPS_ONE_LINE = rf"^[^\x00-\x1f\x7f-\x9f{TURNING}]*$(?!\n)"
LINES = rf"^(?:[^\x00-\x08\x0b-\x1f\x7f-\x9f{TURNING}]|\r\n)*$(?!\n)"
"""As above, with tabs and line feeds."""
SOME_LINES = rf"^(?=[\s\S]*\S)(?:[^\x00-\x08\x0b-\x1f\x7f-\x9f{TURNING}]|\r\n)*$(?!\n)"

UNSEEN = "no invisible characters: neither control characters nor what turns the direction of text"
IN_WORDS = {
    ID: "a number of up to 19 digits",
    ONE_LINE: f"one line with something to see, and {UNSEEN}",
    PERHAPS_ONE_LINE: f"one line, and {UNSEEN}",
    LINES: UNSEEN,
    SOME_LINES: f"something to see, and {UNSEEN}",
}
"""What people are told who meant something else: they do not read expressions."""
