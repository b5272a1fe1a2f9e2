"""How well every speaker's sound gets here, for the hosts."""

from __future__ import annotations

from spaces.room_rules import Act
from spaces.signaling.answers import SpeakerHealthView, StageHealthView
from spaces.signaling.endpoint import Call
from spaces.signaling.rest_spaces import inside
from spaces.signaling.views import account_view


async def get_stage_health(call: Call) -> StageHealthView:
    """In the order of the stage. Of somebody who sends from two devices: the one that is heard best."""
    async with inside(call) as live:
        live.room.permit(Act.SEE_HEALTH, call.me.id)
        media, space = call.services.media, live.id
        levels = media.levels(space)
        found = sorted(media.speakers(space), key=lambda one: (one[1].uplink_loss is None, one[1].uplink_loss or 0.0))
        links = dict(reversed(found))
        return StageHealthView(
            speakers=[
                SpeakerHealthView(
                    account=account_view(live.accounts[member.account], call.me),
                    connected=owner in links,
                    muted=member.account in live.room.muted,
                    loss=link.uplink_loss if link else None,
                    jitter=link.uplink_jitter if link else None,
                    round_trip=link.round_trip if link else None,
                    heard_loss=link.downlink_loss if link else None,
                    level=levels.get(owner),
                )
                for member in live.room.record.stage
                for owner in (str(member.account),)
                for link in (links.get(owner),)
            ]
        )
