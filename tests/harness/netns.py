"""A second host: a network namespace joined to ours by a veth pair. Needs root."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Namespace:
    """`server` is our end's address, `client` the other's."""

    name: str
    server: str
    client: str

    def command(self, *arguments: str) -> list[str]:
        """The command that runs `arguments` over there."""
        return ["ip", "netns", "exec", self.name, *arguments]


@contextlib.contextmanager
def namespace() -> Iterator[Namespace]:
    """Made under names of this process, and removed with everything in it."""
    subnet = _free_subnet()
    name, near, far = f"spaces-{os.getpid()}-{subnet}", f"sp{os.getpid() % 100_000}n{subnet}", f"sp{subnet}f"
    ours = Namespace(name, f"10.77.{subnet}.1", f"10.77.{subnet}.2")
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
    return next(n for n in range(255) if f" 10.77.{n}." not in used)


def _ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True)
    assert done.returncode == 0, f"ip {' '.join(arguments)}: {done.stderr.strip()}"
