"""The addresses of a host's short sounds."""

from __future__ import annotations

from spaces.signaling import messages, rest_stingers
from spaces.signaling import schemas_stingers as schemas
from spaces.signaling.endpoint import Route
from spaces.signaling.parameters import Parameter, Text
from spaces.signaling.patterns import TURNING

STINGERS_PATH = "/v1/spaces/{space}/stingers"
STINGER_PATH = f"{STINGERS_PATH}/{{stinger:[0-9]+}}"

NAME = Parameter(
    "name", "what hosts find it by", Text(1, 60, rf"(?=.*\S)[^\x00-\x1f\x7f-\x9f{TURNING}]*"), required=True
)

STINGERS = [
    Route(
        method="POST", path=STINGERS_PATH, handler=rest_stingers.add, tag="stingers", sign_in=True,
        summary="Add a short sound from a file, for all Spaces of this creator (host and co-hosts)",
        consumes="audio/*", answer=schemas.StingerView, status=201, query=(NAME,),
        problems=(400, 403, 404, 408, 409, 410, 413, 415, 422, 429, 503),
    ),
    Route(
        method="GET", path=STINGERS_PATH, handler=rest_stingers.list_stingers, tag="stingers", sign_in=True,
        summary="The short sounds there are, and what is played", answer=schemas.StingersView,
        problems=(403, 404, 409, 410),
    ),
    Route(
        method="DELETE", path=STINGER_PATH, handler=rest_stingers.remove, tag="stingers", sign_in=True,
        summary="Delete a short sound", status=204, problems=(403, 404, 409, 410),
    ),
    Route(
        method="GET", path=f"{STINGER_PATH}/sound", handler=rest_stingers.sound, tag="stingers",
        sign_in=True, summary="A short sound, to hear it first", produces="audio/wav", problems=(403, 404, 409, 410),
    ),
    Route(
        method="POST", path=f"{STINGER_PATH}/play", handler=rest_stingers.play, tag="stingers", sign_in=True,
        summary="Play it to everybody in the Space, instead of what is played now", answer=messages.StingerPlaying,
        problems=(403, 404, 409, 410),
    ),
    Route(
        method="POST", path=f"{STINGERS_PATH}/stop", handler=rest_stingers.stop, tag="stingers", sign_in=True,
        summary="Fade out what is played", status=204, problems=(403, 404, 409, 410),
    ),
]  # fmt: skip
