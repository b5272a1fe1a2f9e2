"""What the read API answers: the objects and the envelope of X API v2."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

Moment = Annotated[str, Meta(extra_json_schema={"format": "date-time"}, description="UTC, with milliseconds")]


class SpaceObject(Struct, kw_only=True, frozen=True):
    """A Space as X API v2 shows it: what was not asked for, is not set or may not be seen is left out."""

    id: str
    state: Literal["live", "scheduled", "ended"]
    title: str | UnsetType = UNSET
    created_at: Moment | UnsetType = UNSET
    updated_at: Moment | UnsetType = UNSET
    scheduled_start: Moment | UnsetType = UNSET
    started_at: Moment | UnsetType = UNSET
    ended_at: Moment | UnsetType = UNSET
    creator_id: str | UnsetType = UNSET
    host_ids: list[str] | UnsetType = UNSET
    """The host, then the co-hosts."""
    speaker_ids: list[str] | UnsetType = UNSET
    """Who has been brought to the stage."""
    invited_user_ids: list[str] | UnsetType = UNSET
    """Who is invited to the stage: to the hosts; to others themselves only."""
    participant_count: int | UnsetType = UNSET
    """Seats of the audience and whoever of the stage is connected, while it is live here."""
    subscriber_count: int | UnsetType = UNSET
    """Who wants to be reminded of it."""
    is_ticketed: bool | UnsetType = UNSET
    """Whether a ticket admits."""
    lang: str | UnsetType = UNSET
    topic_ids: list[str] | UnsetType = UNSET


class UserObject(Struct, kw_only=True, frozen=True):
    id: str
    name: str
    username: str
    """The handle; empty for an account without one."""
    url: str | UnsetType = UNSET
    """The page of whoever has a handle."""


class TopicObject(Struct, kw_only=True, frozen=True):
    """A topic is its name here."""

    id: str
    name: str


class Includes(Struct, kw_only=True, frozen=True, omit_defaults=True):
    users: list[UserObject] = []
    topics: list[TopicObject] = []


class PartialProblem(Struct, kw_only=True, frozen=True):
    """What of an answer could not be told, and why."""

    type: str
    title: str
    detail: str
    resource_type: str
    resource_id: str
    parameter: str | UnsetType = UNSET
    value: str | UnsetType = UNSET
    section: Literal["data"] | UnsetType = UNSET
    field: str | UnsetType = UNSET


class ResultMeta(Struct, kw_only=True, frozen=True):
    result_count: int
    next_token: str | UnsetType = UNSET
    """To be given as `pagination_token`; there is none after the last."""


class SpaceAnswer(Struct, kw_only=True, frozen=True):
    """`data` is missing where there is no such Space; `errors` then says so."""

    data: SpaceObject | UnsetType = UNSET
    includes: Includes | UnsetType = UNSET
    errors: list[PartialProblem] | UnsetType = UNSET


class SpacesAnswer(Struct, kw_only=True, frozen=True):
    data: list[SpaceObject] | UnsetType = UNSET
    includes: Includes | UnsetType = UNSET
    errors: list[PartialProblem] | UnsetType = UNSET
    meta: ResultMeta | UnsetType = UNSET


class UsersAnswer(Struct, kw_only=True, frozen=True):
    data: list[UserObject] | UnsetType = UNSET
    errors: list[PartialProblem] | UnsetType = UNSET
    meta: ResultMeta | UnsetType = UNSET


class PostsAnswer(Struct, kw_only=True, frozen=True):
    """There are no posts here, so there is never any data."""

    errors: list[PartialProblem] | UnsetType = UNSET
    meta: ResultMeta | UnsetType = UNSET
