"""What must hold of everything that was heard and seen while faults happened.

Never two on air, no role gained or lost, no seat beyond a limit: that holds whatever happens, however much at once. How soon
something is heard again is promised of one fault; of two that overlap it is counted from when the last is such that the
promise can be kept: the last node struck, Redis back and believed again.
"""

from __future__ import annotations

from collections import defaultdict

from spaces.directory import LEASE_SECONDS
from spaces.signaling.custody import BLIND_SECONDS
from spaces.signaling.edge_links import ORPHAN_SECONDS_MAX
from tests.harness.client import RtcClient
from tests.harness.fault_kinds import Trouble
from tests.harness.fault_schedule import GONE
from tests.harness.fault_stand import LISTENERS, NODES, Stand, Whep
from tests.harness.presence import Diary

TAKEN_SECONDS_MAX = 3.0
HEARD_SECONDS_MAX = 5.0
RESUMED_SECONDS_MAX = 1.0
LIT_SECONDS_MAX = 2.0
"""After Redis and database were away together: an owner that fell silent asks again twice a second."""
REDIS_BELIEVED_SECONDS = BLIND_SECONDS + 0.1
"""A Redis that was away is believed only then that a node has died."""
UNTOUCHED_SECONDS_MAX = 1.0
"""A gap of somebody whom a fault does not concern: a machine with two cores is late by that, and no fault is over by then."""
LATE_SECONDS_MAX = 0.4
"""What left in time may be heard so late on such a machine."""
WOKEN_SECONDS = 1.0
"""By then who was woken has sent whatever he will, and cannot have the Space again."""
RUN_SECONDS = 0.4
"""Two packets so near belong to one stretch on air."""
BATCH_MAX = 1
"""Packets to each listener that leave with one system call."""


def check_safety(stand: Stand, trouble: Trouble) -> list[str]:
    """What must never be, whoever is late."""
    return _check_dark(stand, trouble) + _check_sleepers(stand, trouble)


def check_bounds(stand: Stand, trouble: Trouble, kept: dict[int, RtcClient | None], until: float) -> list[str]:
    """What came later than promised. `kept`: the listeners' connections before it, by node; `until`: everybody hears again."""
    wrong = []
    if trouble.of_owner:
        since = _struck_last(trouble)
        well = trouble.well_since(since)
        due = max(since, _redis_believed(trouble)) + TAKEN_SECONDS_MAX
        if well is None or well > due:
            wrong.append(f"taken after {None if well is None else round(well - trouble.began, 2)} s")
    elif moved := {node for _, node in trouble.named} - {trouble.owner}:
        wrong.append(f"changed hands although its owner was there: {moved}")
    for one in stand.whep:
        wrong += _check_whep(stand, trouble, one, kept, until)
    host, guest, page = stand.pages
    if trouble.planned or (not trouble.of_owner and not _is_dark(trouble)):
        for diary in (host, guest, *([page] if trouble.planned else [])):
            wrong += _check_gap(stand, diary, trouble.began, until, UNTOUCHED_SECONDS_MAX)
    if any(fault.kind == "kill" for fault in trouble.faults):
        since = max(_struck_last(trouble), _redis_believed(trouble), *(fault.ended for fault in trouble.faults))
        wrong += _check_gap(stand, page, since, until, HEARD_SECONDS_MAX)
    return wrong


def _struck_last(trouble: Trouble) -> float:
    return max((fault.began for fault in trouble.faults if not fault.of_all), default=trouble.began)


def _redis_believed(trouble: Trouble) -> float:
    return max((fault.ended + REDIS_BELIEVED_SECONDS for fault in trouble.of_redis), default=0.0)


def _is_dark(trouble: Trouble) -> bool:
    return any(fault.kind == "all dark" for fault in trouble.faults)


def _check_whep(
    stand: Stand, trouble: Trouble, one: Whep, kept: dict[int, RtcClient | None], until: float
) -> list[str]:
    here, redis = trouble.of_node(one.node), trouble.of_redis
    if any(fault.kind in (*GONE, "stop") for fault in here) or (here and one.node == trouble.owner):
        return []  # he has to come in again
    if one.client is not kept.get(one.node):
        silent, _ = one.diary.longest_gap(trouble.began, until)
        if trouble.of_owner and silent > ORPHAN_SECONDS_MAX:
            return []  # nobody was there for him for as long as he is kept
        return [f"the connection of {one.diary.name} was not kept"]
    over = max((fault.ended for fault in (*here, *redis)), default=trouble.began)
    if trouble.planned:
        return _check_gap(stand, one.diary, trouble.began, until, UNTOUCHED_SECONDS_MAX)
    if trouble.of_owner:
        since = max(over if here else trouble.began, _struck_last(trouble), _redis_believed(trouble))
        return _check_gap(stand, one.diary, since, until, HEARD_SECONDS_MAX)
    if _is_dark(trouble):
        return _check_gap(stand, one.diary, over, until, LIT_SECONDS_MAX)
    if not here and (not redis or one.node == trouble.owner):
        return _check_gap(stand, one.diary, trouble.began, until, UNTOUCHED_SECONDS_MAX)
    again = min((at for at, _, _ in one.diary.packets if at > over), default=until) - over
    again -= stand.stalls.seconds(over, over + again)
    return [f"{one.diary.name} heard again after {again:.2f} s"] if again > RESUMED_SECONDS_MAX else []


def _check_gap(stand: Stand, diary: Diary, since: float, until: float, seconds_max: float) -> list[str]:
    gap, began = diary.longest_gap(since, until)
    gap -= stand.stalls.seconds(began, began + gap)
    if gap <= seconds_max:
        return []
    return [f"{diary.name} heard nothing for {gap:.2f} s, {began - since:.2f} s after it might have"]


def _check_dark(stand: Stand, trouble: Trouble) -> list[str]:
    """Who can reach neither Redis nor the database is off the air when his lease ends."""
    wrong = []
    for fault in trouble.faults:
        if not fault.kind.endswith("dark"):
            continue
        nodes = range(NODES) if fault.node is None else [fault.node]
        begin, end = fault.began + LEASE_SECONDS + LATE_SECONDS_MAX, fault.ended
        for node in nodes:
            late = [at for diary in stand.diaries for at, _, _ in stand.own_packets(diary, node) if begin < at < end]
            late = [at for at in late if at > begin + stand.stalls.seconds(fault.began, at)]
            if late:
                wrong.append(f"node{node} was on air {max(late) - fault.began:.2f} s after all was dark")
    return wrong


def _check_sleepers(stand: Stand, trouble: Trouble) -> list[str]:
    """Who stood still and has lost the Space meanwhile sends no more than one batch of datagrams when he wakes."""
    wrong = []
    for fault in trouble.faults:
        named = [node for at, node in trouble.named if at < fault.ended]
        if fault.kind != "stop" or not named or named[-1] == fault.node:
            continue
        assert fault.node is not None
        for diary in stand.diaries:
            after = [at - fault.ended for at, _, _ in stand.own_packets(diary, fault.node) if at > fault.ended]
            if sum(later < WOKEN_SECONDS for later in after) > BATCH_MAX:
                wrong.append(f"{diary.name} heard of node{fault.node} after it had woken, {after[:5]}")
    return wrong


def check_on_air(stand: Stand) -> list[str]:
    """Packets of the owners' own engines: no two nodes' stretches on air overlap, but for a sleeper's last batch."""
    stretches = []
    for node in range(NODES):
        packets = sorted((at, diary.name) for diary in stand.diaries for at, _, _ in stand.own_packets(diary, node))
        if not packets:
            continue
        begin = last = packets[0][0]
        heard: dict[str, int] = defaultdict(int)
        for at, name in [*packets, (float("inf"), "")]:
            if at - last > RUN_SECONDS:
                stretches.append((begin, last, node, max(heard.values())))
                begin, heard = at, defaultdict(int)
            heard[name] += 1
            last = at
    stretches.sort()
    wrong = []
    for index, (begin, end, node, count) in enumerate(stretches):
        for other_begin, other_end, other, other_count in stretches[index + 1 :]:
            overlap = min(end, other_end) - other_begin
            overlap -= stand.stalls.seconds(other_begin, other_begin + max(overlap, 0.0))
            if other != node and overlap > 0 and min(count, other_count) > BATCH_MAX:
                wrong.append(
                    f"node{node} and node{other} were both on air for {overlap:.2f} s, until {end - begin:.2f} s"
                )
    return wrong


def check_relay(stand: Stand) -> list[str]:
    late = stand.ear.out_of_turn()
    by_fence: dict[int, int] = defaultdict(int)
    for _, fence in late:
        by_fence[fence] += 1
    return [f"{count} packets of owner {fence} after a newer one's" for fence, count in by_fence.items() if count > 3]


def check_events(stand: Stand) -> list[str]:
    """No role gained or lost, nobody on stage but those two, no count beyond the limit, the hand still raised."""
    wrong = []
    for diary, role in zip(stand.pages, ("host", "speaker", "listener"), strict=True):
        for _, welcome in diary.welcomes:
            if welcome["you"]["role"] != role:
                wrong.append(f"{diary.name} was welcomed as {welcome['you']['role']}")
            wrong += _check_stage(diary.name, welcome["space"]["stage"])
        for _, event in diary.events:
            if event["type"] == "role":
                wrong.append(f"{diary.name} was told {event}")
            if event["type"] == "stage":
                wrong += _check_stage(diary.name, event["stage"])
            if event["type"] == "count" and event["listeners"] > LISTENERS:
                wrong.append(f"{diary.name}: {event['listeners']} listeners")
            if event["type"] == "space" and event["space"]["state"] != "live":
                wrong.append(f"{diary.name}: the Space is {event['space']['state']}")
            own = event["type"] == "evicted" and event["problem"]["code"] == "replaced"  # by his own next socket
            if event["type"] in ("evicted", "ended") and not own:
                wrong.append(f"{diary.name} was told {event}")
    for at, welcome in stand.pages[2].welcomes[1:]:
        if not welcome["you"]["hand"]:
            wrong.append(f"a hand was lost at {at:.2f}")
    return wrong


def _check_stage(name: str, stage: list[dict[str, object]]) -> list[str]:
    roles = {(member["account"]["handle"], member["role"]) for member in stage}  # type: ignore[index]
    return [] if roles == {("ada", "host"), ("bob", "speaker")} else [f"{name} saw the stage {roles}"]
