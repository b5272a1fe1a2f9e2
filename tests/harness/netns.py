"""A second host: a network namespace joined to ours by a veth pair. Needs root."""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

NOBODYS = "02:00:00:00:00:01"
"""No device has it."""


@dataclass(frozen=True, slots=True)
class Namespace:
    """`server` is our end's address, `client` the other's; `device` is over there, `near` here."""

    name: str
    server: str
    client: str
    device: str
    near: str

    def command(self, *arguments: str) -> list[str]:
        """The command that runs `arguments` over there."""
        return ["ip", "netns", "exec", self.name, *arguments]

    def plug(self, on: bool) -> None:
        """The cable, in or out. Addresses stay."""
        _ip("-n", self.name, "link", "set", self.device, "up" if on else "down")

    def swallow(self, on: bool) -> None:
        """Both ways nothing arrives any more, and no device tells of it."""
        for where, other, device in ((("-n", self.name), self.server, self.device), ((), self.client, self.near)):
            if on:
                _ip(*where, "neighbour", "replace", other, "lladdr", NOBODYS, "dev", device, "nud", "permanent")
            else:
                _ip(*where, "neighbour", "delete", other, "dev", device)

    def lead_nowhere(self, on: bool) -> None:
        """Both ways no route is left: who tries to send is refused at once, by his own machine."""
        how = "add" if on else "delete"
        _ip("route", how, "blackhole", f"{self.client}/32")
        _ip("-n", self.name, "route", how, "blackhole", f"{self.server}/32")

    def readdress(self) -> None:
        """As when another network is joined: another address in place of the one that there is."""
        _ip("-n", self.name, "address", "delete", f"{self.client}/24", "dev", self.device)
        _ip("-n", self.name, "address", "add", f"{self.client.rpartition('.')[0]}.3/24", "dev", self.device)


@contextlib.contextmanager
def namespace() -> Iterator[Namespace]:
    """Made under names of this process, and removed with everything in it."""
    subnet = _free_subnet()
    name, near, far = f"spaces-{os.getpid()}-{subnet}", f"sp{os.getpid() % 100_000}n{subnet}", f"sp{subnet}f"
    ours = Namespace(name, f"10.77.{subnet}.1", f"10.77.{subnet}.2", far, near)
    _ip("netns", "add", name)
    try:
        _ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", name)
        _ip("address", "add", f"{ours.server}/24", "dev", near)
        _ip("link", "set", near, "up")
        _ip("-n", name, "address", "add", f"{ours.client}/24", "dev", far)
        _ip("-n", name, "link", "set", far, "up")
        _ip("-n", name, "link", "set", "lo", "up")
        yield ours
    finally:
        _ip("netns", "delete", name)  # takes the veth pair with it
        subprocess.run(["ip", "link", "delete", near], capture_output=True)  # at once, where the kernel takes its time


def _free_subnet() -> int:
    used = subprocess.run(["ip", "-4", "-oneline", "address"], capture_output=True, text=True, check=True).stdout
    free = [n for n in range(255) if f" 10.77.{n}." not in used]
    return random.choice(free)  # another test run may be looking just now


def _ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True)
    assert done.returncode == 0, f"ip {' '.join(arguments)}: {done.stderr.strip()}"
