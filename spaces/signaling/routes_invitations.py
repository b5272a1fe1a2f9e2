"""Addresses of invitations to a Space."""

from __future__ import annotations

from spaces.signaling import answers, bodies, rest_invitations
from spaces.signaling import schemas_invitations as schemas
from spaces.signaling.endpoint import Route

INVITATIONS = [
    Route(
        method="POST", path="/v1/spaces/{space}/invitations", handler=rest_invitations.invite, tag="invitations",
        summary="Invite an account (hosts)", sign_in=True, body=bodies.SpaceInvitation, answer=schemas.InvitationView,
        status=201, problems=(403, 404, 409, 410),
    ),
    Route(
        method="GET", path="/v1/spaces/{space}/invitations", handler=rest_invitations.list_of_space, tag="invitations",
        summary="Who is invited (hosts)", sign_in=True, answer=schemas.InvitationsView, problems=(403, 404),
    ),
    Route(
        method="DELETE", path="/v1/spaces/{space}/invitations/{account}", handler=rest_invitations.take_back,
        summary="Take an invitation back (hosts)", tag="invitations", sign_in=True, status=204, problems=(403, 404),
    ),
    Route(
        method="GET", path="/v1/me/invitations", handler=rest_invitations.list_mine, tag="invitations",
        summary="Spaces that I am invited to", sign_in=True, answer=answers.SpacesView,
    ),
]  # fmt: skip
