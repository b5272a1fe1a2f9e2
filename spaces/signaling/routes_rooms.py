"""The addresses of what hosts do in a Space, of asking to speak, of invitations to the stage and of reports."""

from __future__ import annotations

from spaces.signaling import answers, rest_audience, rest_hands, rest_health, rest_reports, rest_rooms
from spaces.signaling import schemas_rooms as schemas
from spaces.signaling.endpoint import Route
from spaces.signaling.parameters import Choice, Parameter, Text

SPACE = "/v1/spaces/{space}"
AFTER = Parameter("after", "as the last answer gave it in `next`", Text(pattern="[0-9]{1,18}"))

ROOMS = [
    Route(
        method="POST", path=f"{SPACE}/lock", handler=rest_rooms.lock, tag="rooms", sign_in=True,
        summary="Lock: nobody new comes in", answer=answers.SpaceView, problems=(403, 404, 409, 410),
    ),
    Route(
        method="DELETE", path=f"{SPACE}/lock", handler=rest_rooms.unlock, tag="rooms", sign_in=True,
        summary="Unlock", answer=answers.SpaceView, problems=(403, 404, 409, 410),
    ),
    Route(
        method="POST", path=f"{SPACE}/host", handler=rest_rooms.hand_over, tag="rooms", sign_in=True,
        summary="Hand over to a co-host", body=schemas.SomebodyInSpace, answer=answers.SpaceView,
        problems=(403, 404, 409, 410),
    ),
    Route(
        method="POST", path=f"{SPACE}/mutes", handler=rest_rooms.mute, tag="rooms", sign_in=True,
        summary="Mute one, or everybody but the host; only they can unmute themselves", body=schemas.NewMute,
        body_optional=True, answer=answers.SpaceView, problems=(403, 404, 409, 410),
    ),
    Route(
        method="PUT", path=f"{SPACE}/mute", handler=rest_hands.mute, tag="rooms", sign_in=True,
        summary="Mute oneself", answer=answers.SpaceView, problems=(403, 404, 409, 410),
    ),
    Route(
        method="DELETE", path=f"{SPACE}/mute", handler=rest_hands.unmute, tag="rooms", sign_in=True,
        summary="Be heard again, whoever muted one", answer=answers.SpaceView, problems=(403, 404, 409, 410),
    ),
    Route(
        method="PUT", path=f"{SPACE}/hand", handler=rest_hands.raise_hand, tag="rooms", sign_in=True,
        summary="Ask to speak, from inside", answer=schemas.OwnHandView, problems=(402, 403, 404, 409, 410),
    ),
    Route(
        method="GET", path=f"{SPACE}/hand", handler=rest_hands.get_own_hand, tag="rooms", sign_in=True,
        summary="Whether one's hand is up", answer=schemas.OwnHandView, problems=(403, 404),
    ),
    Route(
        method="DELETE", path=f"{SPACE}/hand", handler=rest_hands.lower_hand, tag="rooms", sign_in=True,
        summary="Ask no more", status=204, problems=(403, 404, 409, 410),
    ),
    Route(
        method="GET", path=f"{SPACE}/hands", handler=rest_hands.list_hands, tag="rooms", sign_in=True,
        summary="Who asks to speak (host and co-hosts)", answer=schemas.HandsView, problems=(403, 404, 410),
    ),
    Route(
        method="POST", path=f"{SPACE}/hands/{{account}}/accept", handler=rest_hands.accept_hand, tag="rooms", sign_in=True,
        summary="To the stage, who asks to speak", answer=answers.SpaceView, problems=(403, 404, 409, 410),
    ),
    Route(
        method="POST", path=f"{SPACE}/hands/{{account}}/decline", handler=rest_hands.decline_hand, tag="rooms",
        sign_in=True, summary="No, not now", status=204, problems=(403, 404, 409, 410),
    ),
    Route(
        method="POST", path=f"{SPACE}/removals", handler=rest_rooms.remove, tag="rooms", sign_in=True,
        summary="Put somebody out, who may come back", body=schemas.SomebodyInSpace, status=204,
        problems=(403, 404, 409, 410),
    ),
    Route(
        method="POST", path=f"{SPACE}/blocks", handler=rest_rooms.block, tag="rooms", sign_in=True,
        summary="Put somebody out of all Spaces of this creator, for good", body=schemas.NewBlock, status=204,
        problems=(403, 404, 409),
    ),
    Route(
        method="GET", path=f"{SPACE}/blocks", handler=rest_rooms.list_blocks, tag="rooms", sign_in=True,
        summary="Who is kept out (host and co-hosts)", answer=schemas.BlocksView, problems=(403, 404),
    ),
    Route(
        method="DELETE", path=f"{SPACE}/blocks/{{account}}", handler=rest_rooms.unblock, tag="rooms", sign_in=True,
        summary="Let somebody in again", status=204, problems=(403, 404),
    ),
    Route(
        method="POST", path=f"{SPACE}/stage-invitations", handler=rest_rooms.invite, tag="rooms", sign_in=True,
        summary="Invite to the stage", body=schemas.NewStageInvitation, answer=answers.StageInvitationView, status=201,
        problems=(403, 404, 409, 410),
    ),
    Route(
        method="GET", path=f"{SPACE}/stage-invitations", handler=rest_rooms.list_invitations, tag="rooms", sign_in=True,
        summary="Who is invited (host and co-hosts)", answer=schemas.StageInvitationsView, problems=(403, 404, 410),
    ),
    Route(
        method="DELETE", path=f"{SPACE}/stage-invitations/{{account}}", handler=rest_rooms.uninvite, tag="rooms",
        sign_in=True, summary="Take an invitation back", status=204, problems=(403, 404, 409, 410),
    ),
    Route(
        method="POST", path=f"{SPACE}/stage-invitation/accept", handler=rest_rooms.accept_invitation, tag="rooms",
        sign_in=True, summary="To the stage, as invited", answer=answers.SpaceView, problems=(403, 404, 409, 410),
    ),
    Route(
        method="POST", path=f"{SPACE}/stage-invitation/decline", handler=rest_rooms.decline_invitation, tag="rooms",
        sign_in=True, summary="No, thank you", status=204, problems=(403, 404, 409, 410),
    ),
    Route(
        method="POST", path=f"{SPACE}/guest-links", handler=rest_rooms.make_guest_link, tag="rooms", sign_in=True,
        summary="A link that brings one person to the stage, once", body=schemas.NewGuestLink, body_optional=True,
        answer=schemas.NewGuestLinkView, status=201, problems=(403, 404, 409, 410),
    ),
    Route(
        method="GET", path=f"{SPACE}/guest-links", handler=rest_rooms.list_guest_links, tag="rooms", sign_in=True,
        summary="Guest links and what became of them (host and co-hosts)", answer=schemas.GuestLinksView,
        problems=(403, 404, 410),
    ),
    Route(
        method="DELETE", path=f"{SPACE}/guest-links/{{link:[0-9]+}}", handler=rest_rooms.revoke_guest_link, tag="rooms",
        sign_in=True, summary="Take a guest link back", status=204, problems=(403, 404, 410),
    ),
    Route(
        method="POST", path=f"{SPACE}/guest-links/use", handler=rest_rooms.use_guest_link, tag="rooms", sign_in=True,
        summary="To the stage, by a guest link", body=schemas.GuestLinkUse, answer=answers.SpaceView,
        problems=(403, 404, 409, 410),
    ),
    Route(
        method="POST", path=f"{SPACE}/guests", handler=rest_rooms.let_guest_in, tag="rooms",
        summary="To the stage, by a guest link and without an account", body=schemas.NewGuest,
        answer=schemas.GuestPassView, status=201, problems=(403, 404, 409, 410),
    ),
    Route(
        method="GET", path=f"{SPACE}/health", handler=rest_health.get_stage_health, tag="rooms", sign_in=True,
        summary="How well every speaker's sound gets here (hosts)", answer=answers.StageHealthView,
        problems=(403, 404, 409, 410),
    ),
    Route(
        method="GET", path=f"{SPACE}/audience", handler=rest_audience.list_audience, tag="rooms", sign_in=True,
        summary="Who of the audience has signed in, for who is in too", answer=answers.AudienceView,
        problems=(403, 404, 409, 410), query=(AFTER,),
    ),
    Route(
        method="POST", path=f"{SPACE}/reports", handler=rest_reports.report, tag="rooms", sign_in=True,
        summary="Report a Space, or somebody in it", body=schemas.NewReport, answer=schemas.ReportMadeView, status=201,
        problems=(403, 404, 409),
    ),
    Route(
        method="GET", path="/v1/reports", handler=rest_reports.list_reports, tag="rooms", sign_in=True,
        summary="The queue of reports (operators)", answer=schemas.ReportsView, problems=(403, 422),
        query=(
            Parameter("state", "of them", Choice(("open", "closed"), "open")),
            Parameter("after", "as the last answer gave it in `next`", Text(pattern="[0-9]{1,19}")),
        ),
    ),
    Route(
        method="GET", path="/v1/reports/{report}", handler=rest_reports.get_report, tag="rooms", sign_in=True,
        summary="One of them (operators)", answer=schemas.ReportView, problems=(403, 404),
    ),
    Route(
        method="POST", path="/v1/reports/{report}/close", handler=rest_reports.close_report, tag="rooms", sign_in=True,
        summary="What became of a report (operators)", body=schemas.ReportOutcome, answer=schemas.ReportView,
        problems=(403, 404, 409),
    ),
]  # fmt: skip
