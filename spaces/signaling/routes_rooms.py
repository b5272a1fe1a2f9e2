"""The addresses of what hosts do in a Space, of invitations to the stage and of reports."""

from __future__ import annotations

from spaces.signaling import answers, rest_reports, rest_rooms
from spaces.signaling import schemas_rooms as schemas
from spaces.signaling.endpoint import Route

SPACE = "/v1/spaces/{space}"

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
        method="DELETE", path=f"{SPACE}/guest-links/{{link}}", handler=rest_rooms.revoke_guest_link, tag="rooms",
        sign_in=True, summary="Take a guest link back", status=204, problems=(403, 404, 410),
    ),
    Route(
        method="POST", path=f"{SPACE}/guest-links/use", handler=rest_rooms.use_guest_link, tag="rooms", sign_in=True,
        summary="To the stage, by a guest link", body=schemas.GuestLinkUse, answer=answers.SpaceView,
        problems=(403, 404, 409, 410),
    ),
    Route(
        method="POST", path=f"{SPACE}/reports", handler=rest_reports.report, tag="rooms", sign_in=True,
        summary="Report a Space, or somebody in it", body=schemas.NewReport, answer=schemas.ReportMadeView, status=201,
        problems=(403, 404, 409),
    ),
    Route(
        method="GET", path="/v1/reports", handler=rest_reports.list_reports, tag="rooms", sign_in=True,
        summary="The queue of reports (operators)", answer=schemas.ReportsView, problems=(403, 422),
        query=(("state", "open (if left out) or closed"), ("after", "as the last answer gave it in `next`")),
    ),
    Route(
        method="POST", path="/v1/reports/{report}/close", handler=rest_reports.close_report, tag="rooms", sign_in=True,
        summary="What became of a report (operators)", body=schemas.ReportOutcome, answer=schemas.ReportView,
        problems=(403, 404, 409),
    ),
]  # fmt: skip
