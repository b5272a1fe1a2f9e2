"""What no history of grants, bans, tiers and roles may make `decide` and the folds say."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from access.decide import Action, Allow, Deny, Policy, Resource, decide
from access.model import Subscription
from access.rights import Ban, Benefit, CommunityStanding, Grant, Guest, PriceOnSale, Snapshot, Suspension, TierTerms
from access.standing import best_grant, covered_until, standing
from access.subscription_states import TRANSITIONS, Event, status_at
from access.tables import LIVE_STATES
from access.ticket_rights import Ticket, TicketTerms

CREATOR, FAN = 1, 2
START = datetime(2026, 1, 1, tzinfo=UTC)

# Few distinct moments, so that boundaries meet: the very instant of an end is where mistakes live.
moments = st.integers(0, 12).map(lambda hours: START + timedelta(hours=hours))
tier_ids = st.integers(1, 4)
community_ids = st.integers(1, 3)


@st.composite
def a_grant(draw: st.DrawFn, number: int = 0) -> Grant:
    source = draw(st.sampled_from(["period", "comp", "gift"]))
    start = draw(moments)
    end = draw(moments | st.none()) if source == "comp" else draw(moments)
    grace = draw(moments | st.none()) if end is not None else None
    if grace is not None and end is not None and grace < end:
        grace = None
    tier = draw(tier_ids)
    return Grant(number, source, tier, tier, start, end, grace, draw(moments | st.none()))


@st.composite
def some_grants(draw: st.DrawFn) -> tuple[Grant, ...]:
    return tuple(draw(a_grant(number)) for number in range(1, draw(st.integers(0, 5)) + 1))


@st.composite
def a_tier(draw: st.DrawFn, number: int) -> TierTerms:
    names = draw(
        st.lists(
            st.sampled_from(["space.join", "space.speak", "space.replay", "newsletter", "community.member"]), max_size=4
        )
    )
    benefits = tuple(Benefit(name, draw(moments), draw(moments | st.none())) for name in names)
    if draw(st.booleans()):
        benefits += (Benefit("space.join", START),)
    prices = tuple(PriceOnSale(100 * number, code, "month") for code in draw(st.sets(st.sampled_from(["EUR", "USD"]))))
    return TierTerms(number, f"Tier {number}", number, draw(st.booleans()), benefits, prices)


@st.composite
def a_ban(draw: st.DrawFn) -> Ban:
    scope = draw(st.sampled_from(["platform", "creator", "community", "space"]))
    space = draw(st.sampled_from(["here", "elsewhere"])) if scope == "space" else None
    community = draw(community_ids) if scope == "community" else None
    return Ban(scope, space, draw(moments), draw(moments | st.none()), community)


@st.composite
def a_community(draw: st.DrawFn, number: int) -> CommunityStanding:
    joining = draw(st.sampled_from(["open", "request", "invite", "tier"]))
    state = draw(st.sampled_from([None, "requested", "invited", "active", "active", "active", "left", "removed"]))
    return CommunityStanding(
        id=number,
        name=f"Community {number}",
        joining=joining,
        tier=draw(tier_ids) if joining == "tier" else None,
        rules_version=2,
        closed=draw(st.sampled_from([False, False, False, True])),
        role=draw(st.sampled_from(["member", "member", "moderator", "admin"])) if state == "active" else "member",
        state=state,
        accepted_version=draw(st.sampled_from([1, 2, 2, 2])) if state == "active" else None,
    )


@st.composite
def some_communities(draw: st.DrawFn) -> tuple[CommunityStanding, ...]:
    return tuple(draw(a_community(number)) for number in sorted(draw(st.sets(community_ids))))


@st.composite
def some_tickets(draw: st.DrawFn) -> tuple[Ticket, ...]:
    ends = moments | st.just(START + timedelta(days=1_000))
    made = [
        Ticket(100 + n, draw(moments), draw(ends), draw(st.none() | moments)) for n in range(draw(st.integers(0, 2)))
    ]
    return tuple(made)


@st.composite
def some_terms(draw: st.DrawFn) -> TicketTerms | None:
    if draw(st.integers(0, 3)) == 0:
        return None
    state = draw(st.sampled_from(["on_sale", "on_sale", "on_sale", "paused", "ended", "cancelled"]))
    return TicketTerms(
        "here", 500, "USD", 2, draw(st.integers(0, 2)), state, draw(st.none() | moments), draw(st.none() | moments)
    )


@st.composite
def a_snapshot(draw: st.DrawFn) -> Snapshot:
    account = draw(st.sampled_from([None, FAN, FAN, FAN, CREATOR]))
    tiers = tuple(draw(a_tier(number)) for number in range(1, draw(st.integers(0, 4)) + 1))
    role = draw(st.sampled_from([None, None, None, "listener", "speaker", "cohost", "host"]))
    if account is None:
        strange = [replace(c, role="member", state=None, accepted_version=None) for c in draw(some_communities())]
        return Snapshot(
            None, CREATOR, "ada", role=role, tiers=tiers, communities=tuple(strange), ticket_terms=draw(some_terms())
        )
    return Snapshot(
        account,
        CREATOR,
        "ada",
        draw(st.sampled_from(["active", "active", "active", "suspended", "deleted"])),
        draw(st.integers(0, 3)),
        role,
        draw(some_grants()),
        tuple(draw(st.lists(a_ban(), max_size=2))),
        tiers,
        draw(some_communities()),
        draw(some_tickets()),
        draw(some_terms()),
        draw(st.booleans()),
    )


@st.composite
def a_follower(draw: st.DrawFn) -> Snapshot:
    """Somebody whose grants alone decide."""
    tiers = tuple(draw(a_tier(number)) for number in range(1, 5))
    tiers = tuple(replace(tier, benefits=(*tier.benefits, Benefit("space.join", START))) for tier in tiers)
    grants = draw(some_grants())
    lasting = Grant(7, "comp", draw(tier_ids), 4, START, draw(moments | st.none()))
    return Snapshot(FAN, CREATOR, "ada", grants=(*grants, lasting), tiers=tiers)


policies = st.builds(
    Policy, st.sampled_from(["subscribers", "members", "open", "invite", "ticketed", "ticketed"]), st.none() | tier_ids
) | st.builds(Policy, st.just("community"), st.none(), community_ids)
resources = st.lists(policies, max_size=3).map(lambda some: Resource("here", CREATOR, tuple(some)))
subscribers_only = (st.none() | tier_ids).map(lambda t: Resource("here", CREATOR, (Policy("subscribers", t),)))
actions = st.sampled_from(Action)


@given(a_snapshot(), actions, resources, moments)
def test_allow_implies_no_ban_and_an_active_account(
    snapshot: Snapshot, action: Action, resource: Resource, now: datetime
) -> None:
    if isinstance(decide(snapshot, action, resource, now), Allow):
        assert not any(ban.covers("here", now, resource.communities) for ban in snapshot.bans)
        assert snapshot.account_status == "active"


@given(a_snapshot(), actions, resources, moments, a_ban(), st.integers(0, 12), st.none() | st.integers(1, 12))
def test_a_ban_added_to_anything_denies(
    snapshot: Snapshot, action: Action, resource: Resource, now: datetime, ban: Ban, since: int, left: int | None
) -> None:
    end = None if left is None else now + timedelta(hours=left)
    ban = replace(ban, space=ban.space and "here", start=now - timedelta(hours=since), end=end)
    if ban.community is not None:
        resource = replace(resource, policies=(*resource.policies, Policy("community", community=ban.community)))
    assert ban.covers("here", now, resource.communities)
    answer = decide(replace(snapshot, bans=(*snapshot.bans, ban)), action, resource, now)
    assert isinstance(answer, Deny)
    assert answer.status == 403


@given(
    a_snapshot(), actions, resources, moments,
    st.builds(Suspension, st.sampled_from([None, "here", "elsewhere"]), moments, st.none() | moments),
)  # fmt: skip
def test_a_suspended_house_is_closed_to_everybody_and_a_house_beside_it_is_not(
    snapshot: Snapshot, action: Action, resource: Resource, now: datetime, suspension: Suspension
) -> None:
    """Whatever is paid, given or open, also to whoever has it; and nothing is on sale."""
    before = decide(snapshot, action, resource, now)
    answer = decide(replace(snapshot, suspensions=(suspension,)), action, resource, now)
    if suspension.covers("here", now):
        assert isinstance(answer, Deny)
        assert (answer.status, answer.offers, answer.ticket) == (403, (), None)
    else:
        assert answer == before


@given(a_snapshot(), actions, resources, moments, st.sampled_from(["here", "elsewhere"]), moments)
def test_a_guest_has_a_speakers_seat_in_one_space_for_a_time_and_nothing_else(
    snapshot: Snapshot, action: Action, resource: Resource, now: datetime, space: str, until: datetime
) -> None:
    """Whatever is paid, given or open, and whoever else he is."""
    answer = decide(replace(snapshot, guest=Guest(space, until)), action, resource, now)
    if isinstance(answer, Allow):
        assert (snapshot.role, space) == ("speaker", "here")
        assert answer.not_after == until > now
        assert action in {Action.JOIN, Action.REJOIN, Action.REFRESH, Action.SPEAK}
    else:
        assert not answer.offers


@given(a_snapshot(), actions, resources, moments)
def test_a_refusal_for_money_names_what_to_pay_and_no_other_does(
    snapshot: Snapshot, action: Action, resource: Resource, now: datetime
) -> None:
    answer = decide(snapshot, action, resource, now)
    if isinstance(answer, Deny):
        assert answer.status in (401, 402, 403)
        assert (answer.status == 401) == (answer.reason == "not_signed_in")
        tickets = answer.ticket is not None and answer.ticket.on_sale
        assert (bool(answer.offers) or tickets) == (answer.status == 402) or answer.status == 401
        assert answer.ticket is None or any(policy.policy == "ticketed" for policy in resource.policies)
        assert len(set(answer.offers)) == len(answer.offers)


@given(a_snapshot(), st.sampled_from(sorted(set(Action) - {Action.SPEAK}, key=str)), resources, moments)
def test_buying_any_offer_admits(snapshot: Snapshot, action: Action, resource: Resource, now: datetime) -> None:
    """Not to speak: that takes a place on stage, which is not for sale."""
    answer = decide(snapshot, action, resource, now)
    for offer in answer.offers if isinstance(answer, Deny) and answer.status == 402 else ():
        terms = snapshot.terms(offer.tier)
        assert terms is not None
        bought = Grant(99, "period", offer.tier, terms.level, now, now + timedelta(days=30))
        paid = replace(snapshot, grants=(*snapshot.grants, bought))
        after = decide(paid, action, resource, now)
        if isinstance(after, Deny):  # of a tier's group there are still rules to accept
            assert {way.step for way in after.communities} & {"join", "accept_rules"}


@given(a_snapshot(), resources, moments)
def test_buying_a_ticket_on_sale_admits(snapshot: Snapshot, resource: Resource, now: datetime) -> None:
    answer = decide(snapshot, Action.JOIN, resource, now)
    if isinstance(answer, Deny) and answer.status == 402 and answer.ticket is not None and answer.ticket.on_sale:
        bought = Ticket(999, now, now + timedelta(days=30))
        after = decide(replace(snapshot, tickets=(*snapshot.tickets, bought)), Action.JOIN, resource, now)
        assert isinstance(after, Allow)
        assert after.grants == (999,)
        assert after.not_after == bought.end


@given(a_snapshot(), actions, resources, moments)
def test_a_ticket_opens_ticketed_spaces_while_it_stands_and_nothing_else(
    snapshot: Snapshot, action: Action, resource: Resource, now: datetime
) -> None:
    answer = decide(snapshot, action, resource, now)
    if isinstance(answer, Allow):
        used = [ticket for ticket in snapshot.tickets if ticket.grant in answer.grants]
        assert not used or any(policy.policy == "ticketed" for policy in resource.policies)
        assert all(ticket.covers(now) for ticket in used)
    without = tuple(policy for policy in resource.policies if policy.policy != "ticketed")
    plain = decide(snapshot, action, replace(resource, policies=without), now)
    assert plain == decide(
        replace(snapshot, tickets=(), ticket_terms=None), action, replace(resource, policies=without), now
    )


@given(a_snapshot(), actions, resources, moments, st.integers(0, 1))
def test_taking_a_ticket_or_an_invitation_back_never_adds_a_right(
    snapshot: Snapshot, action: Action, resource: Resource, now: datetime, which: int
) -> None:
    before = decide(snapshot, action, resource, now)
    kept = tuple(ticket for n, ticket in enumerate(snapshot.tickets) if n != which)
    for less in (replace(snapshot, tickets=kept), replace(snapshot, invited=False)):
        after = decide(less, action, resource, now)
        if isinstance(after, Allow):
            assert isinstance(before, Allow)
            assert before.not_after is None or (after.not_after is not None and after.not_after <= before.not_after)


@given(a_follower(), subscribers_only, moments)
def test_allow_rests_on_covering_grants_of_the_level_and_ends_with_them(
    snapshot: Snapshot, resource: Resource, now: datetime
) -> None:
    answer = decide(snapshot, Action.JOIN, resource, now)
    if not isinstance(answer, Allow):
        level = resource.policies[0].tier or 1
        assert not any(grant.level >= level and grant.covers(now) for grant in snapshot.grants)
        return
    assert answer.grants
    held = {grant.id: grant for grant in snapshot.grants}
    needed = resource.policies[0].tier
    for number in answer.grants:
        grant = held[number]
        assert grant.covers(now)
        assert needed is None or grant.level >= needed
        end, limit = grant.ends(), answer.not_after
        assert grant.end is not None or grant.source == "comp"
        if limit is not None and number == answer.grants[0]:
            assert now < limit
            assert end is None or limit <= end
            if grant.end is not None:
                assert limit <= max(grant.end, grant.grace_end or grant.end)
        if limit is None and number == answer.grants[0]:
            assert end is None


@given(a_snapshot(), actions, resources, moments)
def test_an_answer_without_a_grant_needs_none(
    snapshot: Snapshot, action: Action, resource: Resource, now: datetime
) -> None:
    answer = decide(snapshot, action, resource, now)
    if isinstance(answer, Allow) and not answer.revocable:
        on_stage = snapshot.account is not None and (snapshot.account == CREATOR or snapshot.role in STAGE)
        free = any(policy.policy in ("open", "members") for policy in resource.policies)
        assert on_stage or free
        assert answer.not_after is None


STAGE = ("host", "cohost", "speaker")


@given(a_snapshot(), actions, resources, moments)
def test_a_community_admits_only_active_members_who_accepted_its_rules(
    snapshot: Snapshot, action: Action, resource: Resource, now: datetime
) -> None:
    answer = decide(snapshot, action, resource, now)
    for community in snapshot.communities:
        if isinstance(answer, Allow) and community.id in answer.communities:
            assert community.id in resource.communities
            assert not community.closed
            assert (community.state, community.accepted_version) == ("active", community.rules_version)
            if community.joining == "tier" and community.role == "member":
                assert answer.grants
    if isinstance(answer, Deny) and snapshot.account is not None:
        assert {way.community for way in answer.communities} <= resource.communities


@given(a_snapshot(), actions, resources, moments)
def test_leaving_every_community_takes_what_only_membership_gave(
    snapshot: Snapshot, action: Action, resource: Resource, now: datetime
) -> None:
    gone = tuple(replace(c, state="left", role="member") for c in snapshot.communities)
    answer = decide(replace(snapshot, communities=gone), action, resource, now)
    assert not (isinstance(answer, Allow) and answer.communities)


@given(a_snapshot() | a_follower(), actions, resources, moments, moments)
def test_an_answer_stays_right_until_its_not_after(
    snapshot: Snapshot, action: Action, resource: Resource, now: datetime, later: datetime
) -> None:
    """Nothing ends between now and not_after unless a ban begins: no look in between is needed."""
    answer = decide(replace(snapshot, bans=()), action, resource, now)
    if isinstance(answer, Allow) and now <= later and (answer.not_after is None or later < answer.not_after):
        assert isinstance(decide(replace(snapshot, bans=()), action, resource, later), Allow)


@given(a_snapshot() | a_follower(), resources, moments, moments)
def test_a_clock_that_steps_back_lengthens_no_right(
    snapshot: Snapshot, resource: Resource, now: datetime, earlier: datetime
) -> None:
    answers = [decide(snapshot, Action.JOIN, resource, at) for at in (now, min(earlier, now))]
    ends = {end for grant in snapshot.grants if (end := grant.ends()) is not None}
    ends |= {ticket.ends() for ticket in snapshot.tickets}
    ends |= {benefit.end for tier in snapshot.tiers for benefit in tier.benefits if benefit.end is not None}
    for answer in answers:
        if isinstance(answer, Allow) and answer.not_after is not None:
            assert answer.not_after in ends, "an end is a date of a row, never computed from the clock"


@given(a_snapshot() | a_follower(), actions, resources, moments, st.integers(0, 5), moments)
def test_revoking_a_grant_never_adds_a_right(
    snapshot: Snapshot, action: Action, resource: Resource, now: datetime, which: int, at: datetime
) -> None:
    if which >= len(snapshot.grants):
        return
    less = list(snapshot.grants)
    ends = [end for end in (less[which].revoked_at, at) if end is not None]
    less[which] = replace(less[which], revoked_at=min(ends))
    before = decide(snapshot, action, resource, now)
    after = decide(replace(snapshot, grants=tuple(less)), action, resource, now)
    if isinstance(after, Allow):
        assert isinstance(before, Allow)
        assert before.not_after is None or (after.not_after is not None and after.not_after <= before.not_after)


@given(a_snapshot() | a_follower(), actions, resources, moments)
def test_the_order_of_rows_and_policies_says_nothing(
    snapshot: Snapshot, action: Action, resource: Resource, now: datetime
) -> None:
    shuffled = replace(snapshot, grants=snapshot.grants[::-1], bans=snapshot.bans[::-1], tiers=snapshot.tiers[::-1])
    turned = replace(resource, policies=resource.policies[::-1])
    one, other = decide(snapshot, action, resource, now), decide(shuffled, action, turned, now)
    if isinstance(one, Deny) and isinstance(other, Deny):
        assert set(one.offers) == set(other.offers)
        assert replace(one, offers=()) == replace(other, offers=())
    else:
        assert one == other


@given(a_snapshot(), resources, moments)
def test_more_policies_admit_more(snapshot: Snapshot, resource: Resource, now: datetime) -> None:
    # Who names a community puts the Space within its walls: whom it has banned is out, whatever else he has.
    snapshot = replace(snapshot, bans=tuple(ban for ban in snapshot.bans if ban.scope != "community"))
    resource = replace(resource, policies=resource.policies or (Policy("members"),))
    singly = [decide(snapshot, Action.JOIN, replace(resource, policies=(policy,)), now) for policy in resource.policies]
    together = decide(snapshot, Action.JOIN, resource, now)
    assert isinstance(together, Allow) == any(isinstance(answer, Allow) for answer in singly)


@given(a_snapshot(), actions, resources, moments)
def test_every_way_in_is_as_narrow_as_joining_unless_its_benefit_is_another(
    snapshot: Snapshot, action: Action, resource: Resource, now: datetime
) -> None:
    """Coming back, a token, a look at a seat: no way round the door. And what is done by somebody is done by an account."""
    joins, answer = decide(snapshot, Action.JOIN, resource, now), decide(snapshot, action, resource, now)
    if action in (Action.REJOIN, Action.REFRESH):
        assert answer == joins
    if isinstance(answer, Allow) and action in (Action.PROMOTE, Action.SPEAK, Action.CLIP, Action.DOWNLOAD):
        assert snapshot.account is not None
    if isinstance(answer, Allow) and action is Action.SPEAK:
        assert snapshot.role in STAGE or snapshot.account == CREATOR
    if action in (Action.CLIP, Action.DOWNLOAD) and snapshot.account is not None:
        assert answer == decide(snapshot, Action.REPLAY, resource, now)


@given(a_snapshot(), subscribers_only, moments)
def test_who_is_let_up_has_a_tier_that_lets_him_ask(snapshot: Snapshot, resource: Resource, now: datetime) -> None:
    answer = decide(snapshot, Action.PROMOTE, resource, now)
    held = {grant.id: grant for grant in snapshot.grants}
    for number in answer.grants if isinstance(answer, Allow) else ():
        terms = snapshot.terms(held[number].tier)
        assert terms is not None
        assert any(benefit.name == "space.speak" and benefit.covers(now) for benefit in terms.benefits)


# --- the folds


@given(some_grants(), tier_ids, moments)
def test_coverage_ends_where_no_grant_covers_and_not_before(
    grants: tuple[Grant, ...], level: int, now: datetime
) -> None:
    until = covered_until(grants, level, now)
    fitting = [grant for grant in grants if grant.level >= level]
    if until is None:
        assert any(grant.ends() is None for grant in fitting)
    else:
        assert not any(grant.covers(until) for grant in fitting)
        hours = (START + timedelta(minutes=30 * half) for half in range(26))
        assert all(any(g.covers(at) for g in fitting) for at in hours if now <= at < until)


@given(some_grants(), moments)
def test_the_standing_is_that_of_the_best_covering_grant(grants: tuple[Grant, ...], now: datetime) -> None:
    found = standing(grants, [], now)
    best = best_grant(grants, now)
    assert (found.tier is None) == (best is None)
    if best is not None:
        assert all(grant.level <= best.level for grant in grants if grant.covers(now))
        assert found.tier == best.tier
        assert found.until is None or found.until > now
    else:
        assert found.status in ("none", "lapsed")
        assert found.until is None


@given(some_grants(), moments, st.lists(st.sampled_from(["incomplete", "incomplete_expired", "canceled"]), max_size=3))
def test_ended_and_unpaid_attempts_change_nothing(
    grants: tuple[Grant, ...], now: datetime, statuses: list[str]
) -> None:
    attempts = [a_subscription(number, status) for number, status in enumerate(statuses)]
    assert standing(grants, attempts, now) == standing(grants, [], now)


@given(some_grants(), a_grant(9), moments)
def test_a_comp_taken_back_leaves_exactly_the_rest(grants: tuple[Grant, ...], comp: Grant, now: datetime) -> None:
    ended = replace(comp, source="comp", revoked_at=now)
    with_it, without = standing((*grants, ended), [], now), standing(grants, [], now)
    assert (with_it.tier, with_it.until) == (without.tier, without.until)


@given(st.sampled_from(sorted({state for state, _ in TRANSITIONS})), moments, moments, moments)
def test_a_status_only_moves_towards_its_end_as_time_passes(
    status: str, until: datetime, now: datetime, later: datetime
) -> None:
    assume(now <= later)
    first = status_at(status, until=until, checkout_expires_at=until, now=now)
    second = status_at(first, until=until, checkout_expires_at=until, now=later)
    assert second == status_at(status, until=until, checkout_expires_at=until, now=later)
    # A paused agreement outlives what was paid for, until it is resumed or cancelled; it gives no right meanwhile.
    assert (second in LIVE_STATES and second != "paused") <= (later < until)


@given(st.sampled_from(["incomplete_expired", "canceled"]), st.sampled_from(Event))
def test_what_has_ended_stays_ended(status: str, event: Event) -> None:
    assert (status, event) not in TRANSITIONS


def a_subscription(number: int, status: str) -> Subscription:
    return Subscription(
        number, FAN, CREATOR, 1, "Gold", status, 499, "USD", "month", None, False, None, "test", START, None
    )
