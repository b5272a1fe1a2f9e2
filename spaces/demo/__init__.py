"""The demo: a seeded server and a host who is a real WebRTC speaker, playing a recording in a loop."""

from __future__ import annotations

import asyncio

import aiohttp

from spaces.demo.publisher import Publisher
from spaces.demo.seed import Person, Seed, seed
from spaces.demo.speech import read_speech

__all__ = ["run_demo"]


async def run_demo(url: str, api_key: str, api_secret: str) -> None:
    """Seed the server at `url`, talk in both of its Spaces, print where to listen, and go on until cancelled.

    Raises SeedError if the server does not take the seed.
    """
    speech = read_speech()
    async with aiohttp.ClientSession() as http:
        made = await seed(http, url, api_key, api_secret)
        publishers = [
            Publisher(http, f"{url}/v1/spaces/{space}/whip", made.host.token, speech)
            for space in (made.open_space, made.paid_space)
        ]
        async with asyncio.TaskGroup() as tasks:
            for publisher in publishers:
                tasks.create_task(publisher.run())
            await asyncio.gather(*(publisher.connected.wait() for publisher in publishers))
            print(addresses(url, made), flush=True)


def addresses(url: str, made: Seed) -> str:
    """The text for the terminal. The page takes the token out of the address at once and keeps it in its session."""
    paid = f"{url}/s/{made.paid_space}"

    def signed_in(person: Person) -> str:
        return f"{paid}#token={person.token}"

    return "\n".join(
        (
            "",
            "Ada is talking. Open one of these addresses and press Listen:",
            "",
            f"  the open Space                            {url}/s/{made.open_space}",
            f"  the subscribers' Space, as a stranger     {paid}",
            f"  … as Alan, who has not subscribed         {signed_in(made.stranger)}",
            f"  … as Grace, who pays                      {signed_in(made.fan)}",
            f"  … as Ada, the host                        {signed_in(made.host)}",
            f"  Ada's page, with her tiers                {url}/@{made.host.handle}",
            "",
            "Alan can subscribe with test money: no card, no account anywhere. Ctrl-C ends the demo.",
            "",
        )
    )
