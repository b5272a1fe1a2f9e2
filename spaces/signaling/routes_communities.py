"""Addresses of communities."""

from __future__ import annotations

from spaces.signaling import answers, rest_communities
from spaces.signaling import schemas_communities as schemas
from spaces.signaling.endpoint import Route
from spaces.signaling.parameters import Choice, Parameter, Text

COMMUNITIES = [
    Route(
        method="POST", path="/v1/creators/{handle}/communities", handler=rest_communities.found,
        summary="Found a community", tag="communities", sign_in=True, body=schemas.NewCommunity,
        answer=schemas.CommunityView, status=201, problems=(403, 404, 409),
    ),
    Route(
        method="GET", path="/v1/creators/{handle}/communities", handler=rest_communities.list_of_creator,
        summary="A creator's communities", tag="communities", answer=schemas.CommunitiesView, problems=(404,),
    ),
    Route(
        method="GET", path="/v1/me/communities", handler=rest_communities.list_mine, tag="communities", sign_in=True,
        summary="Where I am a member, invited, or waiting", answer=schemas.CommunitiesView,
    ),
    Route(
        method="GET", path="/v1/communities/{community}", handler=rest_communities.get,
        summary="A community, its rules, and how the caller stands in it", tag="communities",
        answer=schemas.CommunityView, problems=(404,),
    ),
    Route(
        method="PATCH", path="/v1/communities/{community}", handler=rest_communities.change,
        summary="Change a community (its admins)", tag="communities", sign_in=True, body=schemas.CommunityChanges,
        answer=schemas.CommunityView, problems=(403, 404, 409),
    ),
    Route(
        method="POST", path="/v1/communities/{community}/rules", handler=rest_communities.publish_rules,
        summary="A new version of the rules, which members accept before they come in again", tag="communities",
        sign_in=True, body=schemas.NewRules, answer=schemas.CommunityView, problems=(403, 404, 409),
    ),
    Route(
        method="POST", path="/v1/communities/{community}/close", handler=rest_communities.close,
        summary="Close it for good", tag="communities", sign_in=True, answer=schemas.CommunityView,
        problems=(403, 404, 409),
    ),
    Route(
        method="POST", path="/v1/communities/{community}/join", handler=rest_communities.join,
        summary="Join, ask to join, or accept changed rules: whichever is next", tag="communities", sign_in=True,
        body=schemas.RulesAccepted, answer=schemas.CommunityView, problems=(403, 404, 409),
    ),
    Route(
        method="POST", path="/v1/communities/{community}/leave", handler=rest_communities.leave,
        summary="Leave, withdraw a request, or decline an invitation", tag="communities", sign_in=True,
        answer=schemas.CommunityView, problems=(404, 409),
    ),
    Route(
        method="GET", path="/v1/communities/{community}/spaces", handler=rest_communities.list_spaces,
        summary="Live and scheduled Spaces of the community", tag="communities", answer=answers.SpacesView,
        problems=(404,),
    ),
    Route(
        method="GET", path="/v1/communities/{community}/members", handler=rest_communities.list_members,
        summary="Its members; for moderators also who waits", tag="communities", sign_in=True,
        answer=schemas.CommunityMembersView, problems=(403, 404, 422),
        query=(
            Parameter("state", "of them", Choice(("active", "requested", "invited"), "active")),
            Parameter("after", "as the last answer gave it", Text(pattern="[0-9]{1,18}")),
        ),
    ),
    Route(
        method="POST", path="/v1/communities/{community}/invitations", handler=rest_communities.invite,
        summary="Invite somebody, or accept his request", tag="communities", sign_in=True, body=schemas.Invitation,
        answer=schemas.CommunityMemberView, problems=(403, 404, 409),
    ),
    Route(
        method="POST", path="/v1/communities/{community}/requests/{account}", handler=rest_communities.answer_request,
        summary="Accept or decline a request", tag="communities", sign_in=True, body=schemas.RequestAnswer,
        answer=schemas.CommunityMemberView, problems=(403, 404, 409),
    ),
    Route(
        method="PATCH", path="/v1/communities/{community}/members/{account}", handler=rest_communities.set_role,
        summary="Make somebody admin, moderator or member", tag="communities", sign_in=True, body=schemas.NewOffice,
        answer=schemas.CommunityMemberView, problems=(403, 404, 409),
    ),
    Route(
        method="DELETE", path="/v1/communities/{community}/members/{account}", handler=rest_communities.remove,
        summary="Remove somebody", tag="communities", sign_in=True, answer=schemas.CommunityMemberView,
        problems=(403, 404, 409),
    ),
    Route(
        method="POST", path="/v1/communities/{community}/bans", handler=rest_communities.ban, status=204,
        summary="Keep somebody out of the community and its Spaces", tag="communities", sign_in=True,
        body=schemas.CommunityBan, problems=(403, 404, 409),
    ),
    Route(
        method="DELETE", path="/v1/communities/{community}/bans/{account}", handler=rest_communities.unban, status=204,
        summary="End his bans there", tag="communities", sign_in=True, problems=(403, 404, 409),
    ),
]  # fmt: skip
