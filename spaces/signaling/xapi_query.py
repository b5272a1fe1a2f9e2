"""What a request to the read API asks for; what it asks wrongly is answered as X API v2 answers it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from spaces.db.listing import CURSOR
from spaces.db.store import SPACE_ID
from spaces.errors import RequestError
from spaces.signaling.answers import ParameterError
from spaces.signaling.parameters import BadValueError, Choice, Number, Parameter, Several, Text

PROBLEMS = "https://api.twitter.com/2/problems"
"""The names of X's kinds of problem, which its clients know."""

SPACE_FIELDS = (
    "created_at", "creator_id", "ended_at", "host_ids", "id", "invited_user_ids", "is_ticketed", "lang",
    "participant_count", "scheduled_start", "speaker_ids", "started_at", "state", "subscriber_count", "title",
    "topic_ids", "updated_at",
)  # fmt: skip
EXPANSIONS = ("creator_id", "host_ids", "invited_user_ids", "speaker_ids", "topic_ids")
USER_FIELDS = (
    "affiliation", "confirmed_email", "connection_status", "created_at", "description", "entities", "id",
    "is_identity_verified", "location", "most_recent_tweet_id", "name", "parody", "pinned_tweet_id",
    "profile_banner_url", "profile_image_url", "protected", "public_metrics", "receives_your_dm", "subscription",
    "subscription_type", "url", "username", "verified", "verified_followers_count", "verified_type", "withheld",
)  # fmt: skip
"""Every one that X has. Of what an account here has nothing of, nothing is told."""
TOPIC_FIELDS = ("description", "id", "name")

IDS_MAX = 100
RESULTS_MAX = 100
QUERY_LENGTH_MAX = 2_048
USER_ID = r"[0-9]{1,19}"


def fields(name: str, values: tuple[str, ...], what: str) -> Parameter:
    return Parameter(name, what, Several(Choice(values), len(values)))


def ids(name: str, pattern: str, what: str) -> Parameter:
    return Parameter(name, what, Several(Text(pattern=pattern), IDS_MAX), required=True)


ABOUT_USERS = (fields("user.fields", USER_FIELDS, "of users; id, name and username are told in any case"),)
ABOUT_SPACES = (
    fields("space.fields", SPACE_FIELDS, "of Spaces; id and state are told in any case"),
    fields("expansions", EXPANSIONS, "whose ids are told as whole objects too, in `includes`"),
    *ABOUT_USERS,
    fields("topic.fields", TOPIC_FIELDS, "of topics; id and name are told in any case"),
)


def pages(token: str) -> tuple[Parameter, ...]:
    """`token`: the pattern of what stands for a page."""
    return (
        Parameter("max_results", "at most so many at once", Number(1, RESULTS_MAX, RESULTS_MAX)),
        Parameter("pagination_token", "as the last answer gave it in `meta.next_token`", Text(pattern=token)),
    )


BY_IDS = (ids("ids", SPACE_ID.pattern, "of Spaces"), *ABOUT_SPACES)
BY_CREATORS = (ids("user_ids", USER_ID, "of creators"), *ABOUT_SPACES, *pages(CURSOR.pattern))
BY_QUERY = (
    Parameter(
        "query",
        "words, or their beginnings, of title, topics and the creator's handle",
        Text(1, QUERY_LENGTH_MAX),
        required=True,
    ),
    Parameter("state", "of the Spaces", Choice(("live", "scheduled", "all"), "all")),
    *ABOUT_SPACES,
    *pages(CURSOR.pattern),
)
NAMES = Several(Text(pattern=r"[a-z_.]{1,64}"), 64)
ABOUT_POSTS = tuple(
    Parameter(name, "of posts, of which there are none here: nothing is told", NAMES)
    for name in ("expansions", "tweet.fields", "media.fields", "place.fields", "poll.fields")
)
BUYERS = (*ABOUT_USERS, *ABOUT_POSTS, *pages("[0-9]{1,18}"))
POSTS = BUYERS


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be told of what is found."""

    space: frozenset[str]
    users: frozenset[str]
    topics: frozenset[str]
    expansions: frozenset[str]


def read(parameters: Iterable[Parameter], given: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The values by name, defaults filled in where there are any. Raises RequestError(400) naming all that is wrong."""
    known = {parameter.name: parameter for parameter in parameters}
    values: dict[str, Any] = {}
    errors: list[ParameterError] = []
    for name, text in given:
        parameter = known.get(name)
        if parameter is None:
            errors.append(
                _error(name, [text[:100]], f"The query parameter [{name[:100]}] is not one of [{','.join(known)}]")
            )
        elif name in values:
            errors.append(_error(name, [text[:100]], f"The `{name}` query parameter is given more than once"))
        else:
            try:
                values[name] = parameter.kind.read(text)
            except BadValueError as bad:
                values[name] = None
                complaint = f"The `{name}` query parameter value [{','.join(bad.values)[:200]}] {bad}"
                errors.append(_error(name, bad.values, complaint))
    errors += [
        _error(name, [], f"The `{name}` query parameter can not be empty")
        for name, parameter in known.items()
        if parameter.required and name not in values
    ]
    if errors:
        raise bad_request(errors)
    for name, parameter in known.items():
        values.setdefault(name, getattr(parameter.kind, "default", None))
    return values


def wanted(values: Mapping[str, Any]) -> Wanted:
    """What is expanded is told as an id too."""
    expansions = frozenset(values.get("expansions") or ())
    return Wanted(
        space=frozenset(values.get("space.fields") or ()) | expansions,
        users=frozenset(values.get("user.fields") or ()),
        topics=frozenset(values.get("topic.fields") or ()),
        expansions=expansions,
    )


def bad_value(name: str, value: str, complaint: str) -> RequestError:
    shown = value[:100]
    return bad_request([_error(name, [shown], f"The `{name}` query parameter value [{shown}] {complaint}")])


def bad_request(errors: list[ParameterError]) -> RequestError:
    return RequestError(
        400,
        "invalid_request",
        "One or more parameters to your request was invalid.",
        type=f"{PROBLEMS}/invalid-request",
        title="Invalid Request",
        errors=errors[:100],
    )


def _error(name: str, values: list[str], message: str) -> ParameterError:
    return ParameterError(parameters={name[:100]: values[:100]}, message=message[:2_000])
