"""What an engine for captions is to the server. It runs in a process of its own (`worker`) and is named by configuration.

`pocketsphinx` is built in (`pocketsphinx_engine`). Any other is `package.module:function`, a function that is given the path of
a model and returns an Engine.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, cast

SAMPLE_RATE = 16_000
"""What recognisers are trained for."""

BUILT_IN = {"pocketsphinx": "spaces.captioning.pocketsphinx_engine:load"}
NEEDS = {"pocketsphinx": "pocketsphinx"}
"""Modules that the built-in ones are made with, from an optional group of dependencies."""


@dataclass(frozen=True, slots=True)
class Heard:
    text: str
    final: bool
    """False: a guess that may change while he speaks on."""


class Voice(Protocol):
    """The ear for one speaker. It finds out by itself where a sentence begins and ends."""

    def hear(self, samples: bytes) -> list[Heard]:
        """The next 16-bit mono samples at SAMPLE_RATE; silence is heard as zeros."""

    def close(self) -> None:
        """He is gone."""


class Engine(Protocol):
    def voice(self) -> Voice:
        """For one more speaker. What is costly is shared and bounded by the engine."""


def load(name: str, model: str) -> Engine:
    """Raises ImportError, AttributeError, or what the engine raises without its model."""
    module, _, function = BUILT_IN.get(name, name).partition(":")
    factory = cast(Callable[[str], Engine], getattr(importlib.import_module(module), function))
    return factory(model)


def trouble(name: str) -> str | None:
    """Why an engine of this name cannot be loaded, as far as can be told without loading it."""
    module, colon, function = BUILT_IN.get(name, name).partition(":")
    if not colon or not module or not function:
        return f"{name} is neither {', '.join(BUILT_IN)} nor package.module:function"
    for needed in (NEEDS.get(name), module):
        if needed is None:
            continue
        try:
            found = importlib.util.find_spec(needed)
        except (ImportError, ValueError):
            found = None
        if found is None:
            return f"{needed} is not installed"
    return None
