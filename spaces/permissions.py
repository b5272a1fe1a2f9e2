"""The permissions table of a room, as PROTOCOL.md shows it: `python -m spaces.permissions PROTOCOL.md` writes it there."""

from __future__ import annotations

import sys
from pathlib import Path

from spaces.room_rules import Act, Role, State, allowed

BEGIN, END = "<!-- permissions: python -m spaces.permissions PROTOCOL.md -->", "<!-- /permissions -->"
NAMES = {Role.HOST: "host", Role.COHOST: "co-host", Role.SPEAKER: "speaker", Role.LISTENER: "listener"}


def table() -> str:
    """One row for each act, one column for each role; a cell has the states in which the act is allowed."""
    rows = [["act", *NAMES.values()], ["---"] * (len(NAMES) + 1)]
    for act in Act:
        rows.append([f"`{act}`", *(_cell(role, act) for role in NAMES)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def written_into(text: str) -> str:
    """The text with the table between its marks. Raises ValueError if it has none."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"there is no place for the table: {BEGIN} … {END}")
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"


def _cell(role: Role, act: Act) -> str:
    states = [state.value for state in State if allowed(role, act, state)]
    return "always" if len(states) == len(State) else ", ".join(states) or "–"


def main(arguments: list[str]) -> None:
    for name in arguments:
        path = Path(name)
        path.write_text(written_into(path.read_text(encoding="utf-8")), encoding="utf-8")
    if not arguments:
        print(table())


if __name__ == "__main__":
    main(sys.argv[1:])
