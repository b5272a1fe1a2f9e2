"""Networks that lose, delay and reorder; addresses that change."""

from __future__ import annotations

import asyncio

import numpy as np

from spaces.demo.speech import Speech
from tests.harness.api import Api
from tests.harness.client import duplicates_and_losses, listening, speaking
from tests.harness.eventually import until
from tests.harness.measure import correlations
from tests.harness.patience import spoken, until_speech
from tests.harness.relay import Impairment, relaying
from tests.harness.server import Server


async def test_ten_percent_loss_and_disorder_on_the_listeners_side(
    server: Server, api: Api, handle: str, speech: Speech
) -> None:
    """He joins, hears what arrives, and nothing arrives twice that was sent once."""
    host = await api.creator(handle)
    space = await api.space(host)
    bad = Impairment(loss=0.1, delay_seconds=0.03, jitter_seconds=0.03)

    async def hear(seed: int) -> None:
        async with (
            relaying((server.address, server.udp_port), up=bad, down=bad, seed=seed) as relay,
            listening(api, space, relay=relay) as listener,
        ):
            await listener.hear_first()
            first = len(listener.packets)
            heard = await listener.heard(5)
            repeated, lost = duplicates_and_losses(listener.packets[first:])
        assert repeated == 0
        assert 0 < lost < 0.2 * (len(listener.packets) - first + lost)
        assert listener.link.undecryptable == 0
        assert np.median(correlations(heard, spoken(), jumps=True)) >= 0.6, "silence stands for what was lost"

    async with speaking(api, space, speech, by=host), asyncio.TaskGroup() as listeners:
        for seed in (1, 2):
            listeners.create_task(hear(seed))


async def test_loss_and_disorder_on_the_speakers_side_are_hidden_from_the_audience(
    server: Server, api: Api, handle: str, speech: Speech
) -> None:
    """The mix is one unbroken stream whatever becomes of the speaker's packets."""
    host = await api.creator(handle)
    space = await api.space(host)
    bad = Impairment(loss=0.05, delay_seconds=0.02, jitter_seconds=0.03, duplication=0.1)
    async with (
        relaying((server.address, server.udp_port), up=bad, seed=4) as relay,
        speaking(api, space, speech, by=host, relay=relay),
        listening(api, space) as listener,
    ):
        await listener.hear_first()
        await asyncio.sleep(1)
        first = len(listener.packets)
        heard = await listener.heard(5)
        assert duplicates_and_losses(listener.packets[first:]) == (0, 0)
    assert np.median(correlations(heard, spoken(), jumps=True)) >= 0.8


async def test_a_listener_whose_address_changes_goes_on_listening(api: Api, handle: str, speech: Speech) -> None:
    """Wi-Fi to mobile: new ports, one Binding, the same session."""
    host = await api.creator(handle)
    space = await api.space(host)
    async with speaking(api, space, speech, by=host), listening(api, space) as listener:
        await listener.hear_first()
        await listener.link.ice.rebind()
        await listener.caught_up()
        first = len(listener.packets)
        await until(lambda: len(listener.packets) >= first + 50)
        after = listener.packets[first:]
        assert after[0].ssrc == listener.packets[0].ssrc
        assert after[0].sequence > listener.packets[0].sequence, "the stream goes on, it does not begin again"


async def test_a_speaker_whose_address_changes_goes_on_speaking(api: Api, handle: str, speech: Speech) -> None:
    host = await api.creator(handle)
    space = await api.space(host)
    async with speaking(api, space, speech, by=host) as speaker, listening(api, space) as listener:
        await listener.hear_first()
        await speaker.link.ice.rebind()
        await until_speech(listener)


async def test_a_speakers_sequence_may_wrap_at_any_time(api: Api, handle: str, speech: Speech) -> None:
    """Some packets before the wrap must arrive, or he would be undecipherable: RTP carries no rollover counter."""
    host = await api.creator(handle)

    async def wrap(sequence: int) -> None:
        space = await api.space(host)
        async with listening(api, space) as listener, speaking(api, space, speech, by=host, sequence=sequence):
            await asyncio.sleep(2)
            await until_speech(listener)

    async with asyncio.TaskGroup() as spaces:
        for sequence in (65_450, 65_500, 32_700):
            spaces.create_task(wrap(sequence))
