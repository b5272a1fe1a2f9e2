"""Addresses of the read API."""

from __future__ import annotations

from spaces.signaling import rest_xapi, xapi_query
from spaces.signaling import xapi_schemas as schemas
from spaces.signaling.endpoint import Route

XAPI = [
    Route(
        method="GET", path="/2/spaces", handler=rest_xapi.get_spaces, tag="read API", summary="Spaces by their ids",
        answer=schemas.SpacesAnswer, query=xapi_query.BY_IDS, problems=(400,),
    ),
    Route(
        method="GET", path="/2/spaces/by/creator_ids", handler=rest_xapi.by_creators, tag="read API",
        summary="Live and scheduled Spaces of creators", answer=schemas.SpacesAnswer, query=xapi_query.BY_CREATORS,
        problems=(400,),
    ),
    Route(
        method="GET", path="/2/spaces/search", handler=rest_xapi.search, tag="read API",
        summary="Live and scheduled Spaces by what their titles contain", answer=schemas.SpacesAnswer,
        query=xapi_query.BY_QUERY, problems=(400,),
    ),
    Route(
        method="GET", path="/2/spaces/{space}", handler=rest_xapi.get_space, tag="read API", summary="A Space by its id",
        answer=schemas.SpaceAnswer, query=xapi_query.ABOUT_SPACES, problems=(400,),
    ),
    Route(
        method="GET", path="/2/spaces/{space}/buyers", handler=rest_xapi.buyers, tag="read API", sign_in=True,
        summary="Who has bought a ticket (the creator)", answer=schemas.UsersAnswer, query=xapi_query.BUYERS,
        problems=(400, 403),
    ),
    Route(
        method="GET", path="/2/spaces/{space}/tweets", handler=rest_xapi.posts, tag="read API",
        summary="Posts shared in a Space: there are none here", answer=schemas.PostsAnswer, query=xapi_query.POSTS,
        problems=(400,),
    ),
]  # fmt: skip
