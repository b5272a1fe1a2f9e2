"""An edge's WebSocket to one owner: what is said on it in order, what is asked and answered, and that it has ended."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

import aiohttp
import msgspec
import structlog
from prometheus_client import Counter

from spaces.directory import Place
from spaces.signaling.link_messages import FromEdge, FromOwner, Hello
from spaces.signaling.remote_media import LINK_BYTES_MAX, LINK_HEARTBEAT_SECONDS, WAITING_MAX

LINK_PATH = "/v1/nodes/link"

_decode = msgspec.msgpack.Decoder(FromOwner)
_encode = msgspec.msgpack.Encoder()

log = structlog.get_logger()


class OwnerLink:
    def __init__(
        self,
        place: Place,
        hello: Hello,
        hear: Callable[[OwnerLink, FromOwner], None],
        ended: Callable[[OwnerLink], None],
        drops: Counter,
    ) -> None:
        self.place = place
        self.ready = asyncio.Event()
        """It is up, or will not be: nobody is to wait for it any more."""
        self._hello = hello
        self._hear = hear
        self._ended = ended
        self._drops = drops
        self._waiting: asyncio.Queue[bytes] = asyncio.Queue(WAITING_MAX)
        self._answers: dict[str, asyncio.Future[bool]] = {}
        self._run: asyncio.Task[None] | None = None

    def say(self, message: FromEdge) -> None:
        """An owner who takes nothing any more is as good as away: the link ends, and whoever it was for has no owner then."""
        with contextlib.suppress(asyncio.QueueFull):
            self._waiting.put_nowait(_encode.encode(message))
        if self._waiting.full() and self._run is not None:
            self._run.cancel()

    async def ask(self, message: FromEdge, what: str, seconds: float) -> bool:
        """The answer; False also if there is none, or the link ends."""
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._answers[what] = answer
        self.say(message)
        try:
            async with asyncio.timeout(seconds):
                return await answer
        except TimeoutError:
            return False
        finally:
            self._answers.pop(what, None)

    def answered(self, what: str, yes: bool) -> None:
        if (answer := self._answers.pop(what, None)) is not None and not answer.done():
            answer.set_result(yes)

    async def run(self, http: aiohttp.ClientSession, headers: dict[str, str]) -> None:
        """Until it ends. Raises nothing."""
        self._run = asyncio.current_task()
        node = self.place.node
        try:
            async with http.ws_connect(
                self.place.url + LINK_PATH, headers=headers, heartbeat=LINK_HEARTBEAT_SECONDS,
                max_msg_size=LINK_BYTES_MAX,
            ) as socket:  # fmt: skip
                await socket.send_bytes(_encode.encode(self._hello))
                writing = asyncio.create_task(self._write(socket), name="link writer")
                self.ready.set()
                try:
                    async for message in socket:
                        if message.type is not aiohttp.WSMsgType.BINARY:
                            break
                        self._hear(self, _decode.decode(message.data))
                finally:
                    writing.cancel()
        except msgspec.MsgspecError as error:
            self._drops.labels("link_malformed").inc()
            log.warning("link message broken", node=node, reason=str(error))
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            log.info("no link", node=node, error=type(error).__name__)
        except Exception:
            log.exception("link failed", node=node)
        finally:
            self.ready.set()
            for what in list(self._answers):
                self.answered(what, False)
            self._ended(self)

    async def _write(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        with contextlib.suppress(aiohttp.ClientError, ConnectionError):
            while True:
                await socket.send_bytes(await self._waiting.get())
