"""The demo: a seeded server and a host who is a real WebRTC speaker, playing a recording in a loop."""

from __future__ import annotations

import asyncio

import aiohttp

from spaces.demo.publisher import Publisher
from spaces.demo.seed import Person, Seed, seed
from spaces.demo.speech import read_speech

__all__ = ["run_demo"]


async def run_demo(url: str, api_key: str, api_secret: str) -> None:
    """Seed the server at `url`, talk in all of its Spaces, print where to listen, and go on until cancelled.

    Raises SeedError if the server does not take the seed.
    """
    speech = read_speech()
    async with aiohttp.ClientSession() as http:
        made = await seed(http, url, api_key, api_secret)
        publishers = [
            Publisher(http, f"{url}/v1/spaces/{space}/whip", made.host.token, speech)
            for space in (made.open_space, made.paid_space, made.ticketed_space)
        ]
        async with asyncio.TaskGroup() as tasks:
            for publisher in publishers:
                tasks.create_task(publisher.run())
            await asyncio.gather(*(publisher.connected.wait() for publisher in publishers))
            print(addresses(url, made), flush=True)


def addresses(url: str, made: Seed) -> str:
    """The text for the terminal. The page takes the token out of the address at once and keeps it in its session."""
    paid, tickets = f"{url}/s/{made.paid_space}", f"{url}/s/{made.ticketed_space}"

    def signed_in(person: Person, address: str = paid) -> str:
        return f"{address}#token={person.token}"

    links = (
        ("An open Space", f"{url}/s/{made.open_space}"),
        ("A Space for subscribers, as a stranger: the lock and the offer", paid),
        (
            "… as Alan, who has not subscribed: pay with test money (no card, no account), and be in",
            signed_in(made.stranger),
        ),
        ("… as Grace, who pays: in at once", signed_in(made.fan)),
        ("… as Ada, the host: speak, bring listeners to the stage", signed_in(made.host)),
        (
            "Ada's own page: end Grace's subscription there, and her sound stops",
            signed_in(made.host, f"{url}/@{made.host.handle}"),
        ),
        ("A Space with tickets, as Alan: buy one with test money", signed_in(made.stranger, tickets)),
        ("Sign in as yourself, with any address: the code is shown here, for the demo sends no mail", f"{url}/sign-in"),
    )
    return "\n".join(
        (
            "",
            "Ada is talking. Open an address in a browser on this machine, and press Listen.",
            "What follows #token= signs you in as somebody, in that tab only.",
            "",
            *(f"  {what}\n    {address}\n" for what, address in links),
            "Ctrl-C ends the demo; nothing of it is kept.",
            "",
        )
    )
