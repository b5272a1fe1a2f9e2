"""Every address of the API, in one table: what is served, and what `/openapi.json` describes."""

from __future__ import annotations

from functools import cache

import msgspec
from aiohttp import web

from spaces.signaling import (
    answers,
    bodies,
    operations,
    pages,
    rest_calendar,
    rest_creators,
    rest_listing,
    rest_local_time,
    rest_nodes,
    rest_spaces,
    rest_subscriptions,
    share_pages,
    whip_whep,
)
from spaces.signaling.door import CLIENT as CLIENT_NAME
from spaces.signaling.endpoint import Call, Route
from spaces.signaling.openapi import document
from spaces.signaling.pages_of_lists import BEFORE
from spaces.signaling.parameters import Parameter, Text
from spaces.signaling.routes_communities import COMMUNITIES
from spaces.signaling.routes_gifts import GIFTS
from spaces.signaling.routes_hooks import HOOKS
from spaces.signaling.routes_invitations import INVITATIONS
from spaces.signaling.routes_merch import MERCH
from spaces.signaling.routes_money import MONEY
from spaces.signaling.routes_newsletters import NEWSLETTERS
from spaces.signaling.routes_operator import OPERATOR
from spaces.signaling.routes_payments import PAYMENTS
from spaces.signaling.routes_people import PEOPLE
from spaces.signaling.routes_reminders import REMINDERS
from spaces.signaling.routes_rooms import ROOMS
from spaces.signaling.routes_stingers import STINGERS
from spaces.signaling.routes_talk import TALK
from spaces.signaling.routes_tickets import TICKETS
from spaces.signaling.routes_xapi import XAPI
from spaces.signaling.schemas_gifts import GiftView
from spaces.signaling.schemas_tickets import TicketView
from spaces.signaling.socket import serve_socket

CLIENT = (Parameter("client", "names this seat among those of the account", Text(pattern=CLIENT_NAME.pattern)),)

PURCHASE = answers.SubscriptionView | TicketView | GiftView

CREATORS = [
    Route(
        method="GET", path="/v1/me", handler=rest_creators.get_me, summary="Who I am", tag="accounts",
        sign_in=True, answer=answers.MeView,
    ),
    Route(
        method="GET", path="/v1/me/creators", handler=rest_creators.list_mine, tag="creators", sign_in=True,
        summary="The creators I act for: myself, and publications, with my role", answer=answers.MyCreatorsView,
    ),
    Route(
        method="GET", path="/v1/me/subscriptions", handler=rest_subscriptions.list_mine, summary="My subscriptions",
        tag="subscriptions", sign_in=True, answer=answers.SubscriptionsView,
    ),
    Route(
        method="POST", path="/v1/creators", handler=rest_creators.create_creator, summary="Become a creator",
        tag="creators", sign_in=True, body=bodies.NewCreator, answer=answers.CreatorView, status=201, problems=(409,),
    ),
    Route(
        method="GET", path="/v1/creators/{handle}", handler=rest_creators.get_creator,
        summary="Public profile with tiers and Spaces", tag="creators", answer=answers.CreatorView, problems=(404,),
    ),
    Route(
        method="PATCH", path="/v1/creators/{handle}", handler=rest_creators.change_creator, tag="creators", sign_in=True,
        summary="What the creator says of himself (owners and editors)", body=bodies.CreatorChanges,
        answer=answers.CreatorView, problems=(403, 404),
    ),
    Route(
        method="POST", path="/v1/creators/{handle}/tiers", handler=rest_creators.create_tier, summary="Offer a tier",
        tag="creators", sign_in=True, body=bodies.NewTier, answer=answers.TierView, status=201, problems=(403, 404),
    ),
    Route(
        method="POST", path="/v1/creators/{handle}/comps", handler=rest_creators.create_comp, summary="Give a tier away",
        tag="creators", sign_in=True, body=bodies.NewComp, answer=answers.CompView, status=201, problems=(403, 404),
    ),
    Route(
        method="GET", path="/v1/creators/{handle}/comps", handler=rest_creators.list_comps,
        summary="What has been given away", tag="creators", sign_in=True, answer=answers.CompsView, problems=(403, 404),
        query=(BEFORE,),
    ),
    Route(
        method="DELETE", path="/v1/creators/{handle}/comps/{comp}", handler=rest_creators.end_comp,
        summary="Take it back now", tag="creators", sign_in=True, answer=answers.CompView, problems=(403, 404),
    ),
    Route(
        method="POST", path="/v1/creators/{handle}/subscriptions", handler=rest_subscriptions.subscribe,
        summary="Subscribe; the answer says where to pay", tag="subscriptions", sign_in=True,
        body=bodies.NewSubscription, answer=answers.SubscriptionView, status=201, problems=(404, 409), costs_money=True,
    ),
    Route(
        method="GET", path="/v1/creators/{handle}/subscriptions", handler=rest_subscriptions.list_subscribers,
        summary="The creator's subscribers", tag="subscriptions", sign_in=True, answer=answers.SubscribersView,
        problems=(403, 404), query=(BEFORE,),
    ),
    Route(
        method="POST", path="/v1/subscriptions/{subscription}/cancel", handler=rest_subscriptions.cancel,
        summary="Cancel, at the end of the period or (the creator) now", tag="subscriptions", sign_in=True,
        body=bodies.Cancellation, body_optional=True, answer=answers.SubscriptionView, problems=(403, 404, 409),
        costs_money=True, even_suspended=True,
    ),
    Route(
        method="GET", path="/v1/checkouts/{ref}", handler=rest_subscriptions.get_checkout,
        summary="What the address /pay/{ref} asks money for", tag="subscriptions", answer=PURCHASE,
        problems=(404,),
    ),
    Route(
        method="POST", path="/pay/{ref}", handler=rest_subscriptions.pay, summary="Pay, with test money",
        tag="subscriptions", body=bodies.Payment, answer=PURCHASE, problems=(404, 409),
    ),
    Route(
        method="GET", path="/pay/{ref}", handler=pages.get_page, summary="The page where it is paid", tag="subscriptions",
        own_token=True, produces="text/html",
    ),
]  # fmt: skip

SPACES = [
    Route(
        method="POST", path="/v1/spaces", handler=rest_spaces.create_space, summary="Make a Space", tag="spaces",
        sign_in=True, body=bodies.NewSpace, answer=answers.SpaceView, status=201, problems=(403, 409),
    ),
    Route(
        method="GET", path="/v1/spaces", handler=rest_listing.list_spaces, tag="spaces", answer=answers.SpacePageView,
        summary="Live and coming Spaces: list and search", problems=(422,),
        query=(
            rest_listing.STATE,
            *rest_listing.FILTERS,
            Parameter("creator", "an account: whose Spaces"),
            *rest_listing.PAGING,
        ),
    ),
    Route(
        method="GET", path="/v1/creators/{handle}/spaces", handler=rest_listing.list_of_creator, tag="spaces",
        summary="A creator's live and coming Spaces, or those that are over", answer=answers.SpacePageView,
        problems=(404, 422), query=(rest_listing.STATE_OF_CREATOR, *rest_listing.FILTERS, *rest_listing.PAGING),
    ),
    Route(
        method="GET", path="/v1/spaces/{space}/calendar.ics", handler=rest_calendar.get_space_calendar, tag="spaces",
        summary="The Space as a calendar file", produces="text/calendar", problems=(403, 404, 409),
    ),
    Route(
        method="GET", path="/v1/creators/{handle}/calendar.ics", handler=rest_calendar.get_creator_calendar,
        summary="What a creator plans, for a calendar to subscribe to", tag="spaces", produces="text/calendar",
        problems=(404,),
    ),
    Route(
        method="GET", path="/v1/local-time", handler=rest_local_time.get_local_time, tag="spaces",
        summary="What a clock's time means in a time zone", answer=answers.LocalTimeView, problems=(422,),
        query=(
            Parameter("time_zone", "IANA name", required=True),
            Parameter("at", "local time, like 2026-03-29T02:30:00", required=True),
        ),
    ),
    Route(
        method="GET", path="/v1/spaces/{space}", handler=rest_spaces.get_space,
        summary="A Space, and whether the caller may come in", tag="spaces", answer=answers.SpaceView, problems=(404,),
    ),
    Route(
        method="PATCH", path="/v1/spaces/{space}", handler=rest_spaces.change_space, summary="Change a Space",
        tag="spaces", sign_in=True, body=bodies.SpaceChanges, answer=answers.SpaceView, problems=(403, 404, 409, 410),
    ),
    *(
        Route(
            method="POST", path=f"/v1/spaces/{{space}}/{name}", handler=handler, summary=summary, tag="spaces",
            sign_in=True, answer=answers.SpaceView, problems=(403, 404, 409), even_suspended=name == "cancel",
        )
        for name, handler, summary in (
            ("start", rest_spaces.start_space, "Go live"),
            ("end", rest_spaces.end_space, "End it for everyone"),
            ("cancel", rest_spaces.cancel_space, "Cancel a scheduled Space"),
        )
    ),
    Route(
        method="POST", path="/v1/spaces/{space}/speakers", handler=rest_spaces.add_speaker, summary="Bring to the stage",
        tag="spaces", sign_in=True, body=bodies.NewSpeaker, answer=answers.SpaceView, problems=(403, 404, 409, 410),
    ),
    Route(
        method="DELETE", path="/v1/spaces/{space}/speakers/{account}", handler=rest_spaces.remove_speaker,
        summary="Take from the stage", tag="spaces", sign_in=True, answer=answers.SpaceView,
        problems=(403, 404, 409, 410),
    ),
    Route(
        method="POST", path="/v1/spaces/{space}/admissions", handler=rest_spaces.mint_join_token,
        summary="A join token: single use, within 60 s", tag="spaces", answer=answers.JoinTokenView, status=201,
        problems=(402, 403, 404, 410),
    ),
]  # fmt: skip

MEDIA = [
    *(
        Route(
            method="POST", path=f"/v1/spaces/{{space}}/{name}", handler=handler, summary=summary, tag="media",
            own_token=True, status=201, consumes="application/sdp", produces="application/sdp", limit="offers",
            query=CLIENT, problems=(402, 403, 404, 409, 410, 413, 415, 422, 503),
        )
        for name, handler, summary in (
            ("whip", whip_whep.post_whip, "Speak: an SDP offer (WHIP, RFC 9725)"),
            ("whep", whip_whep.post_whep, "Listen: an SDP offer (WHEP)"),
        )
    ),
    *(
        Route(
            method="OPTIONS", path=f"/v1/spaces/{{space}}/{name}", handler=handler, tag="media",
            summary="What the endpoint takes; for whoever may come in, TURN servers as Link headers", status=204,
            own_token=True,
        )
        for name, handler in (("whip", whip_whep.options_whip), ("whep", whip_whep.options_whep))
    ),
    Route(
        method="DELETE", path="/v1/sessions/{session}", handler=whip_whep.delete_session, summary="Leave", tag="media",
        status=204, problems=(403, 404),
    ),
    Route(
        method="PATCH", path="/v1/sessions/{session}", handler=whip_whep.patch_session,
        summary="Trickled candidates: accepted, not needed", tag="media", status=204,
        consumes="application/trickle-ice-sdpfrag", problems=(403, 404, 412, 415, 422, 428),
    ),
    Route(
        method="GET", path="/v1/spaces/{space}/socket", handler=serve_socket, summary="The WebSocket: see PROTOCOL.md",
        tag="media", own_token=True, status=101, problems=(403, 426, 429),
    ),
]  # fmt: skip


async def _openapi(call: Call) -> web.Response:
    return web.Response(body=_document(), content_type="application/json", headers={"Cache-Control": "no-cache"})


OPERATIONS = [
    Route(
        method="GET", path="/healthz", handler=operations.healthz, summary="Is it alive", tag="operations",
        answer=answers.HealthView, own_token=True, limit="none", problems=(503,),
    ),
    Route(
        method="GET", path="/readyz", handler=operations.readyz, summary="Is it ready", tag="operations",
        answer=answers.HealthView, own_token=True, limit="none", problems=(503,),
    ),
    Route(
        method="GET", path="/metrics", handler=operations.metrics,
        summary="Prometheus' text format, for the operator: by bearer token or network", tag="operations",
        produces="text/plain", own_token=True, limit="none", problems=(401, 403),
    ),
    Route(
        method="GET", path="/v1/nodes/link", handler=rest_nodes.link, tag="operations", own_token=True, limit="none",
        summary="WebSocket between the nodes of one server; nobody else has the key", status=101, problems=(403, 426),
    ),
    Route(
        method="GET", path="/openapi.json", handler=_openapi, summary="This document", tag="operations", own_token=True,
    ),
]  # fmt: skip

API = [
    *PEOPLE,
    *CREATORS,
    *MONEY,
    *PAYMENTS,
    *COMMUNITIES,
    *NEWSLETTERS,
    *MERCH,
    *TICKETS,
    *GIFTS,
    *SPACES,
    *INVITATIONS,
    *ROOMS,
    *REMINDERS,
    *STINGERS,
    *TALK,
    *HOOKS,
    *OPERATOR,
    *MEDIA,
    *XAPI,
    *OPERATIONS,
]

PAGES = [
    *(
        Route(method=method, path=path, handler=pages.get_page, summary="The page", tag="page", own_token=True)
        for path in ("/", "/sign-in", "/account", "/studio", "/operator", "/pay/{ref}", "/gift", "/c/{community}")
        for method in ("GET", "HEAD")
        if (method, path) != ("GET", "/pay/{ref}")  # of the API: what POST goes to is looked at there
    ),
    *(
        Route(method=method, path=path, handler=handler, summary="The page", tag="page", own_token=True)
        for path, handler in (
            ("/@{handle}", share_pages.get_creator_page),
            ("/s/{space}", share_pages.get_space_page),
            ("/@{handle}/card.png", share_pages.get_creator_picture),
            ("/s/{space}/card.png", share_pages.get_space_picture),
        )
        for method in ("GET", "HEAD")
    ),
    *(
        Route(
            method=method, path="/web/{path:.+}", handler=pages.get_file, summary="The page's files", tag="page",
            own_token=True, limit="none",
        )
        for method in ("GET", "HEAD")
    ),
]  # fmt: skip


@cache
def _document() -> bytes:
    return msgspec.json.format(msgspec.json.encode(document(API)), indent=2)
