"""The addresses of reactions, the chat, pinned links and captions."""

from __future__ import annotations

from spaces.signaling import answers_talk, rest_talk
from spaces.signaling import schemas_talk as schemas
from spaces.signaling.endpoint import Route
from spaces.signaling.parameters import Parameter, Text

SPACE = "/v1/spaces/{space}"
ID = Text(pattern="[0-9]{1,18}")

TALK = [
    Route(
        method="POST", path=f"{SPACE}/reactions", handler=rest_talk.react, tag="talk", sign_in=True,
        summary="Tap a reaction, from inside", body=schemas.NewReaction, status=204, problems=(403, 404, 409, 410),
    ),
    Route(
        method="POST", path=f"{SPACE}/chat", handler=rest_talk.write, tag="talk", sign_in=True,
        summary="Write a line, from inside", body=schemas.NewLine, answer=answers_talk.ChatLineView, status=201,
        problems=(402, 403, 404, 409, 410),
    ),
    Route(
        method="GET", path=f"{SPACE}/chat", handler=rest_talk.list_lines, tag="talk",
        summary="The last lines of the chat; when it is over or off, for its hosts", answer=answers_talk.ChatView,
        query=(Parameter("before", "an id: the lines before it", ID),), problems=(402, 403, 404, 410),
    ),
    Route(
        method="DELETE", path=f"{SPACE}/chat/{{line:[0-9]+}}", handler=rest_talk.delete_line, tag="talk", sign_in=True,
        summary="Delete a line of one's own or, as a host, of anybody", status=204, problems=(403, 404),
    ),
    Route(
        method="DELETE", path=f"{SPACE}/chat/of/{{account}}", handler=rest_talk.clear_lines, tag="talk", sign_in=True,
        summary="Delete all that an account has written here", status=204, problems=(403, 404),
    ),
    Route(
        method="GET", path=f"{SPACE}/pins", handler=rest_talk.list_pins, tag="talk", summary="Pinned links",
        answer=answers_talk.PinsView, problems=(402, 403, 404, 410),
    ),
    Route(
        method="PUT", path=f"{SPACE}/pins", handler=rest_talk.set_pins, tag="talk", sign_in=True,
        summary="Pin these links, in this order", body=schemas.NewPins, answer=answers_talk.PinsView,
        problems=(403, 404, 409, 410),
    ),
    Route(
        method="POST", path=f"{SPACE}/pins", handler=rest_talk.add_pin, tag="talk", sign_in=True,
        summary="Pin a link, or give one that is there another title or place", body=schemas.NewPinAt,
        answer=answers_talk.PinsView, problems=(403, 404, 409, 410),
    ),
    Route(
        method="DELETE", path=f"{SPACE}/pins", handler=rest_talk.remove_pin, tag="talk", sign_in=True,
        summary="Take one link off", query=(Parameter("url", "of the link, as it is pinned"),), status=204,
        problems=(403, 404, 409, 410),
    ),
    Route(
        method="POST", path=f"{SPACE}/captions", handler=rest_talk.caption, tag="talk", sign_in=True,
        summary="What one is saying, in words, from the stage", body=schemas.NewCaption, status=204,
        problems=(403, 404, 409, 410),
    ),
    Route(
        method="GET", path=f"{SPACE}/captions", handler=rest_talk.list_captions, tag="talk",
        summary="What was said, as far as it was captioned", answer=answers_talk.CaptionsView,
        query=(Parameter("after", "an id: the captions after it", ID),), problems=(402, 403, 404, 410),
    ),
]  # fmt: skip
