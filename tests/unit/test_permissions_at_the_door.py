"""Every cell of the permissions table as it is met from outside: over HTTP and on the socket of a real node."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from spaces.db.store import SpaceStore, new_space_id
from spaces.node import Node
from spaces.room_record import AccessRule, Invitation, Kept, Record, StageMember
from spaces.room_rules import Act, Role, State, allowed
from tests.harness.accounts import Person, person
from tests.harness.api import Api
from tests.harness.channel import Channel, entered, hello, socket

pytestmark = [pytest.mark.thorough, pytest.mark.sqlite]

ACTORS = {Role.HOST: "ada", Role.COHOST: "bob", Role.SPEAKER: "cleo", Role.LISTENER: "fay"}
STAGE = (
    ("ada", Role.HOST), ("bob", Role.COHOST), ("dan", Role.COHOST), ("cleo", Role.SPEAKER), ("eve", Role.SPEAKER),
)  # fmt: skip
"""Besides them fay is invited to the stage, gus has asked to speak, and hal has nothing to do with it."""
SPEAKER, COHOST, HAND, STRANGER = "@eve", "@dan", "gus", "@hal"
REFUSALS = (403, 409, 410)
TWICE = (*REFUSALS, 404)
"""What is asked once more when it has been done: nothing more happens, or a clear problem."""

Request = tuple[str, str, dict[str, Any] | None]

OVER_HTTP: dict[Act, list[Request]] = {
    Act.START: [("POST", "/start", None)],
    Act.END: [("POST", "/end", None)],
    Act.CANCEL: [("POST", "/cancel", None)],
    Act.EDIT: [("PATCH", "", {"title": "Another"})],
    Act.EDIT_ACCESS: [("PATCH", "", {"access": {"policy": "members"}})],
    Act.EDIT_CAPACITY: [("PATCH", "", {"capacity": 50})],
    Act.EDIT_ASKING: [("PATCH", "", {"asking": "nobody"})],
    Act.EDIT_CHAT: [("PATCH", "", {"chat": "off"})],
    Act.EDIT_CAPTIONS: [("PATCH", "", {"captions": "off"})],
    Act.RESCHEDULE: [("PATCH", "", {"scheduled_start": (datetime.now(UTC) + timedelta(days=7)).isoformat()})],
    Act.LOCK: [("POST", "/lock", None), ("DELETE", "/lock", None)],
    Act.HAND_OVER: [("POST", "/host", {"account": COHOST})],
    Act.INVITE: [("POST", "/invitations", {"account": STRANGER})],
    Act.BRING_TO_STAGE: [("POST", "/speakers", {"account": STRANGER})],
    Act.TAKE_FROM_STAGE: [("DELETE", f"/speakers/{SPEAKER}", None)],
    Act.TAKE_COHOST_FROM_STAGE: [("DELETE", f"/speakers/{COHOST}", None)],
    Act.LEAVE_STAGE: [("DELETE", "/speakers/{me}", None)],
    Act.INVITE_TO_STAGE: [
        ("POST", "/stage-invitations", {"account": STRANGER}),
        ("DELETE", "/stage-invitations/@fay", None),
    ],
    Act.ANSWER_INVITATION: [("POST", "/stage-invitation/accept", None), ("POST", "/stage-invitation/decline", None)],
    Act.MAKE_GUEST_LINK: [("POST", "/guest-links", {})],
    Act.USE_GUEST_LINK: [("POST", "/guest-links/use", {"token": "{link}"})],
    Act.RAISE_HAND: [("PUT", "/hand", None)],
    Act.LOWER_HAND: [("DELETE", "/hand", None)],
    Act.ANSWER_HAND: [("POST", f"/hands/@{HAND}/accept", None), ("POST", f"/hands/@{HAND}/decline", None)],
    Act.MUTE_SELF: [("PUT", "/mute", None), ("DELETE", "/mute", None)],
    Act.MUTE_OTHER: [("POST", "/mutes", {"account": SPEAKER})],
    Act.MUTE_ALL: [("POST", "/mutes", {})],
    Act.REMOVE: [("POST", "/removals", {"account": SPEAKER})],
    Act.REMOVE_COHOST: [("POST", "/removals", {"account": COHOST})],
    Act.BLOCK: [("POST", "/blocks", {"account": SPEAKER})],
    Act.BLOCK_COHOST: [("POST", "/blocks", {"account": COHOST})],
    Act.UNBLOCK: [("DELETE", f"/blocks/{STRANGER}", None)],
    Act.REPORT: [("POST", "/reports", {"reason": "abuse", "account": STRANGER})],
    Act.REMIND: [("PUT", "/reminder", {})],
    Act.SEE_HANDS: [("GET", "/hands", None)],
    Act.SEE_INVITATIONS: [("GET", "/stage-invitations", None)],
    Act.SEE_BLOCKS: [("GET", "/blocks", None)],
    Act.SEE_AUDIENCE: [("GET", "/audience", None)],
    Act.SEE_HEALTH: [("GET", "/health", None)],
    Act.REACT: [("POST", "/reactions", {"reaction": "heart"})],
    Act.WRITE: [("POST", "/chat", {"text": "hello"})],
    Act.CAPTION: [("POST", "/captions", {"text": "hello"})],
    Act.DELETE_OWN_LINE: [("DELETE", "/chat/of/{me}", None)],
    Act.DELETE_LINE: [("DELETE", f"/chat/of/{STRANGER}", None)],
    Act.PIN: [
        ("PUT", "/pins", {"pins": [{"url": "https://example.org/"}]}),
        ("POST", "/pins", {"url": "https://example.org/"}),
    ],
    Act.SEE_CHAT_LOG: [("GET", "/chat", None)],
    Act.USE_STINGERS: [("GET", "/stingers", None)],
}
WHEN_OVER = (Act.SEE_CHAT_LOG,)
"""Before that everybody who may come in sees what it shows."""
FROM_INSIDE = (Act.SEE_AUDIENCE, Act.RAISE_HAND, Act.REACT, Act.WRITE, Act.CAPTION)
"""Asked over HTTP by who has a socket, where there are any."""
ON_THE_SOCKET: dict[Act, list[dict[str, Any]]] = {
    Act.START: [{"type": "space.start"}],
    Act.END: [{"type": "space.end"}],
    Act.LOCK: [{"type": "space.lock", "locked": True}],
    Act.HAND_OVER: [{"type": "space.hand_over", "account": COHOST}],
    Act.TAKE_FROM_STAGE: [{"type": "speaker.remove", "account": SPEAKER}],
    Act.TAKE_COHOST_FROM_STAGE: [{"type": "speaker.remove", "account": COHOST}],
    Act.LEAVE_STAGE: [{"type": "speaker.remove", "account": "{me}"}],
    Act.INVITE_TO_STAGE: [{"type": "stage.invite", "account": STRANGER}, {"type": "stage.uninvite", "account": "@fay"}],
    Act.ANSWER_INVITATION: [{"type": "invitation.accept"}, {"type": "invitation.decline"}],
    Act.RAISE_HAND: [{"type": "hand.raise"}],
    Act.LOWER_HAND: [{"type": "hand.lower"}],
    Act.ANSWER_HAND: [{"type": "hand.accept", "account": HAND}, {"type": "hand.decline", "account": HAND}],
    Act.MUTE_SELF: [{"type": "mute", "muted": True}],
    Act.MUTE_OTHER: [{"type": "speaker.mute", "account": SPEAKER}],
    Act.MUTE_ALL: [{"type": "stage.mute"}],
    Act.REMOVE: [{"type": "account.remove", "account": SPEAKER}],
    Act.REMOVE_COHOST: [{"type": "account.remove", "account": COHOST}],
    Act.BLOCK: [{"type": "account.block", "account": SPEAKER}],
    Act.BLOCK_COHOST: [{"type": "account.block", "account": COHOST}],
    Act.UNBLOCK: [{"type": "account.unblock", "account": STRANGER}],
    Act.REACT: [{"type": "react", "reaction": "heart"}],
    Act.WRITE: [{"type": "chat.write", "text": "hello"}],
    Act.DELETE_OWN_LINE: [{"type": "chat.clear", "account": "{me}"}],
    Act.DELETE_LINE: [{"type": "chat.clear", "account": STRANGER}],
    Act.PIN: [{"type": "pin.add", "url": "https://example.org/"}],
    Act.CAPTION: [{"type": "caption", "text": "hello", "final": True}],
    Act.REPORT: [{"type": "report", "reason": "abuse", "account": STRANGER}],
}
SEEN = {Act.SEE_HANDS: "hands", Act.SEE_INVITATIONS: "invitations"}
"""What the reply to hello has for those alone who may see it."""


@dataclass
class House:
    """People, and as many Spaces as are asked for, each with everybody in his role."""

    node: Node
    api: Api
    people: dict[str, Person]
    ids: dict[str, int] = field(default_factory=dict)

    async def space(self, state: State) -> str:
        """As a node that was killed would find it."""
        now = self.node.access.now()
        stage = tuple(StageMember(self.ids[name], role) for name, role in STAGE)
        record = Record(
            id=new_space_id(),
            creator=self.ids["ada"],
            title="A talk",
            access=(AccessRule("open"),),
            created_at=now,
            stage=stage,
            state=state,
            started_at=now if state in (State.LIVE, State.ENDED) else None,
            ended_at=now if state in (State.ENDED, State.CANCELLED) else None,
        )
        store: SpaceStore = self.node.rooms._store
        await store.insert(record)
        invited = Invitation(self.ids["fay"], Role.SPEAKER, self.ids["ada"], now)
        hands = ((self.ids[HAND], now),) if state is State.LIVE else ()
        await store.save(Kept(record), Kept(replace(record, invitations=(invited,)), hands), now)
        return record.id

    async def shown(self, space: str) -> dict[str, Any]:
        """As its host sees it; that nobody may be there to host it is a matter of time."""
        seen: dict[str, Any] = await self.api.ok("GET", f"/v1/spaces/{space}", by=self.people["ada"])
        return seen | {"closing_at": None}

    async def link(self, space: str) -> str:
        """A guest link's token, good whatever the Space's state is."""
        store: SpaceStore = self.node.rooms._store
        now = self.node.access.now()
        return (await store.guest_links.make(space, self.ids["ada"], self.ids["ada"], timedelta(hours=1), now))[1]


@pytest.fixture
async def house(node: Node, api: Api) -> House:
    people = {name: person(name) for name in ("ada", "bob", "cleo", "dan", "eve", "fay", HAND, "hal")}
    await api.creator("ada")
    made = House(node, api, people)
    for name, who in people.items():
        made.ids[name] = int((await api.ok("GET", "/v1/me", by=who))["account"]["id"])
    return made


def cells(acts: Any) -> Iterator[tuple[Act, Role]]:
    return ((act, role) for act in acts for role in Role)


def test_every_act_has_a_way_in() -> None:
    assert OVER_HTTP.keys() | ON_THE_SOCKET.keys() | SEEN.keys() == set(Act)


@pytest.mark.parametrize("state", list(State))
async def test_over_http_each_cell_is_as_the_table_says(house: House, state: State) -> None:
    wrong: list[Any] = []
    shared = await house.space(state)
    before = await house.shown(shared)
    for act, role in cells(OVER_HTTP):
        if act in FROM_INSIDE + WHEN_OVER and state in (State.SCHEDULED, State.LIVE):
            continue
        may, name = allowed(role, act, state), ACTORS[role]
        for method, path, body in OVER_HTTP[act]:
            space = await house.space(state) if may else shared
            if act is Act.USE_GUEST_LINK:
                body = {"token": await house.link(space)}
            reply = await house.api.request(
                method, f"/v1/spaces/{space}{path.replace('{me}', f'@{name}')}", by=house.people[name], json=body
            )
            if (reply.status // 100 == 2) is not may or not (may or reply.status in REFUSALS):
                wrong.append((role, act, reply.status, reply.body))
            if may:
                again = await house.api.request(
                    method, f"/v1/spaces/{space}{path.replace('{me}', f'@{name}')}", by=house.people[name], json=body
                )
                if again.status // 100 != 2 and again.status not in TWICE:
                    wrong.append((role, act, "twice", again.status, again.body))
            if may and act in (Act.BLOCK, Act.BLOCK_COHOST):
                await house.api.ok("DELETE", f"/v1/spaces/{space}/blocks/{body['account']}", by=house.people["ada"])  # type: ignore[index]
    assert wrong == []
    assert await house.shown(shared) == before, "refused, and yet"


@pytest.mark.parametrize("state", [State.SCHEDULED, State.LIVE])
async def test_on_the_socket_each_cell_is_as_the_table_says(house: House, state: State) -> None:
    wrong: list[Any] = []
    shared = await house.space(state)
    async with contextlib.AsyncExitStack() as stack:
        inside: dict[Role, Channel] = {}
        for role, name in ACTORS.items():
            inside[role], reply = await stack.enter_async_context(entered(house.api, shared, house.people[name]))
            for act, part in SEEN.items():
                if (part in reply) is not allowed(role, act, state):
                    wrong.append((role, act, sorted(reply)))
        for act, role in cells(FROM_INSIDE):
            [(method, path, body)] = OVER_HTTP[act]
            there = await house.api.request(
                method, f"/v1/spaces/{shared}{path}", by=house.people[ACTORS[role]], json=body
            )  # fmt: skip
            may = allowed(role, act, state)
            if (there.status // 100 == 2) is not may or not (may or there.status in REFUSALS):
                wrong.append((role, act, there))
        before = await house.shown(shared)
        for act, role in cells(ON_THE_SOCKET):
            for message in ON_THE_SOCKET[act]:
                if not allowed(role, act, state):
                    reply = await ask(house, inside[role], message, ACTORS[role])
                    if reply["type"] == "ok" or reply["problem"]["status"] not in REFUSALS:
                        wrong.append((role, message, reply))
                    continue
                async with entered(house.api, await house.space(state), house.people[ACTORS[role]]) as (channel, _):
                    reply = await ask(house, channel, message, ACTORS[role])
                    if reply["type"] != "ok":
                        wrong.append((role, message, reply))
                    elif act is not Act.END:  # which closes the socket
                        again = await ask(house, channel, message, ACTORS[role])
                        if again["type"] != "ok" and again["problem"]["status"] not in TWICE:
                            wrong.append((role, message, "twice", again))
                    if act in (Act.BLOCK, Act.BLOCK_COHOST):
                        await ask(house, channel, message | {"type": "account.unblock"}, ACTORS[role])
        after = await house.shown(shared)
    assert wrong == []
    assert after == before, "refused, and yet"


async def ask(house: House, channel: Channel, message: dict[str, Any], me: str) -> dict[str, Any]:
    """The reply; whom it is about is named by id, as on a socket."""
    fields = {name: value for name, value in message.items() if name != "type"}
    if "account" in fields:
        name = me if fields["account"] == "{me}" else fields["account"].removeprefix("@")
        fields["account"] = str(house.ids[name])
    return await channel.request(message["type"], **fields)


@pytest.mark.parametrize("state", [State.ENDED, State.CANCELLED])
async def test_there_is_no_socket_when_it_is_over(house: House, state: State) -> None:
    space = await house.space(state)
    for name in ACTORS.values():
        async with socket(house.api, space) as channel:
            reply = await channel.request("hello", v=1, token=house.people[name].token)
            assert (reply["problem"]["status"], reply["problem"]["code"]) == (410, str(state))
            assert await channel.until_closed() == 4410


@pytest.mark.parametrize("state", list(State))
async def test_who_is_not_signed_in_may_nothing(house: House, state: State) -> None:
    space = await house.space(state)
    for act, requests in OVER_HTTP.items():
        if act in WHEN_OVER and state in (State.SCHEDULED, State.LIVE):
            continue
        for method, path, body in requests:
            reply = await house.api.request(method, f"/v1/spaces/{space}{path.replace('{me}', '@hal')}", json=body)
            assert (reply.status, reply.code) == (401, "not_signed_in"), act
    if state not in (State.SCHEDULED, State.LIVE):
        return
    async with socket(house.api, space) as channel:
        welcome = await hello(channel)
        assert not welcome.keys() & set(SEEN.values())
        for messages in ON_THE_SOCKET.values():
            for message in messages:
                refused = await ask(house, channel, message, "hal")
                assert (refused["type"], refused["problem"]["status"]) == ("error", 401), message
