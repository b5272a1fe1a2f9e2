"""Sends what waits for integrators: some connections per endpoint, one message at a time of each queue."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import aiohttp
import msgspec
import structlog
from sqlalchemy.exc import SQLAlchemyError

from access.hook_model import Attempt, Job
from access.hook_participants import BATCH_MAX
from access.hook_service import Hooks
from spaces.hooks import signature, target
from spaces.metrics import Metrics
from spaces.tasks import Stop

log = structlog.get_logger()

POLL_SECONDS = 0.5
PARTICIPANTS_SECONDS = 1.0
"""Who came and went is gathered for so long: a crowd is a few messages."""
PER_ENDPOINT_MAX = 4
"""Requests at once: one endpoint that hangs keeps its own connections busy and nobody else's."""
IN_A_ROW_MAX = 20
"""Messages of one queue before others of the same endpoint have their turn."""
LEASE_MARGIN = timedelta(seconds=10)
"""Beyond an attempt's longest time, clocks of nodes being some seconds apart: whoever holds a claim for longer is dead."""
COUNTS_SECONDS = 10.0
GONE = 410


class HookSender:
    def __init__(
        self,
        hooks: Hooks,
        networks: Sequence[target.Network],
        seconds_max: float,
        metrics: Metrics,
        stop: Stop,
        now: Callable[[], datetime],
        clock: Callable[[], float],
    ) -> None:
        self._hooks = hooks
        self.networks = networks
        self._seconds_max = seconds_max
        self._lease = timedelta(seconds=seconds_max) + LEASE_MARGIN
        self._metrics = metrics
        self._stop = stop
        self._now = now
        self._clock = clock
        self._nudged = asyncio.Event()
        self._busy: Counter[int] = Counter()
        """Requests under way, by endpoint."""
        self._told_at = self._counted_at = -1e9

    @property
    def idle(self) -> bool:
        """Nothing is being sent."""
        return not self._busy.total()

    def nudge(self) -> None:
        """There is something to send, or it is time to stop."""
        self._nudged.set()

    async def run(self) -> None:
        """Until it is told to stop (and nudged)."""
        async with self._connections() as http, asyncio.TaskGroup() as tasks:
            while not self._stop.told:
                self._nudged.clear()
                try:
                    await self._work(http, tasks)
                except (SQLAlchemyError, OSError) as error:
                    log.warning("webhooks wait for the database", error=type(error).__name__)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(POLL_SECONDS):
                        await self._nudged.wait()

    async def _work(self, http: dict[str, aiohttp.ClientSession], tasks: asyncio.TaskGroup) -> None:
        untold, due = await self._hooks.pending()
        if untold and self._clock() - self._told_at >= PARTICIPANTS_SECONDS:
            self._told_at = self._clock()
            while await self._hooks.tell_participants() == BATCH_MAX:
                pass
            due = True
        while due:
            due = await self._take_on(http, tasks)
        if self._clock() - self._counted_at >= COUNTS_SECONDS:
            self._counted_at = self._clock()
            counts = await self._hooks.counts()
            for state in ("waiting", "dead"):
                self._metrics.hooks_held.labels(state=state).set(counts.get(state, 0))

    async def _take_on(self, http: dict[str, aiohttp.ClientSession], tasks: asyncio.TaskGroup) -> bool:
        """Some of what is due. Whether there may be more."""
        full = {endpoint for endpoint, count in self._busy.items() if count >= PER_ENDPOINT_MAX}
        room = PER_ENDPOINT_MAX - max((count for e, count in self._busy.items() if e not in full), default=0)
        jobs = await self._hooks.claim(full, room, self._lease)
        for job in jobs:
            self._busy[job.endpoint] += 1
            tasks.create_task(self._follow(http, job), name="webhook")
        return len(jobs) == room

    async def _follow(self, http: dict[str, aiohttp.ClientSession], first: Job) -> None:
        """Send it, and what follows in its queue."""
        job: Job | None = first
        try:
            for _ in range(IN_A_ROW_MAX):
                if job is None:
                    return
                attempt = await self._attempt(http, job)
                self._count(job, attempt)
                job = await self._hooks.settle(job, attempt, self._lease, random.random())  # noqa: S311 – spreads load
            if job is not None:
                await self._hooks.release(job)
        except (SQLAlchemyError, OSError) as error:  # the claim runs out by itself
            log.warning("a webhook's outcome is not stored", error=type(error).__name__)
        except Exception as error:
            log.error("a webhook could not be sent", exc_info=error)
        finally:
            self._busy[first.endpoint] -= 1
            self._nudged.set()

    async def _attempt(self, http: dict[str, aiohttp.ClientSession], job: Job) -> Attempt:
        """It ends when the node does."""
        sending = asyncio.create_task(self._send(http, job))
        stopping = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait({sending, stopping}, return_when=asyncio.FIRST_COMPLETED)
            return sending.result() if sending.done() else Attempt("interrupted", interrupted=True)
        finally:
            for task in (sending, stopping):
                task.cancel()
            await asyncio.wait({sending, stopping})

    async def _send(self, http: dict[str, aiohttp.ClientSession], job: Job) -> Attempt:
        """Whatever the other side does: an Attempt. Of its answer the status is read, and nothing else."""
        body = msgspec.json.encode({"type": job.kind, "timestamp": job.at, "data": job.body})
        signed = signature.headers(job.secrets, job.id, int(self._now().timestamp()), body)
        session = http[job.url.partition(":")[0]]
        try:
            async with session.post(job.url, data=body, headers=signed, allow_redirects=False) as response:
                status = response.status
                after = _retry_after(response.headers.get("Retry-After"), self._now())
                response.close()
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Attempt(_reason(error))
        if 200 <= status < 300:
            return Attempt(None, status)
        how = "redirect" if 300 <= status < 400 else "status"
        return Attempt(how, status, after if status in (429, 503) else None, gone=status == GONE)

    def _count(self, job: Job, attempt: Attempt) -> None:
        outcome = attempt.error or "delivered"
        self._metrics.hooks.labels(outcome=outcome).inc()
        if attempt.error is not None and not attempt.interrupted:
            log.info("webhook not delivered", endpoint=job.endpoint, message=job.id, kind=job.kind, error=attempt.error,
                     status=attempt.status)  # fmt: skip

    @asynccontextmanager
    async def _connections(self) -> AsyncIterator[dict[str, aiohttp.ClientSession]]:
        """By scheme. Nothing is sent along but what is ours to say: no cookies, no proxy of the environment."""
        async with contextlib.AsyncExitStack() as stack:
            sessions = {}
            for scheme in ("https", "http"):
                session = aiohttp.ClientSession(
                    connector=target.connector(self.networks, encrypted=scheme == "https"),
                    timeout=aiohttp.ClientTimeout(total=self._seconds_max),
                    cookie_jar=aiohttp.DummyCookieJar(),
                    headers={"User-Agent": "Spaces-Webhooks/1", "Content-Type": "application/json"},
                    auto_decompress=False,
                )
                sessions[scheme] = await stack.enter_async_context(session)
            yield sessions


def _reason(error: BaseException) -> str:
    """In a word; what exactly went wrong inside a network that is not his is nobody's business."""
    match error:
        case aiohttp.ClientConnectorError() if isinstance(error.os_error, target.RefusedAddressError):
            return "refused_address"
        case TimeoutError():
            return "timeout"
        case aiohttp.ClientSSLError():
            return "tls"
        case aiohttp.ClientConnectorDNSError():
            return "name"
        case aiohttp.ClientConnectorError():
            return "unreachable"
        case aiohttp.ClientResponseError():
            return "bad_answer"
        case _:
            return "broken_off"


def _retry_after(header: str | None, now: datetime) -> float | None:
    """Seconds, or a date (RFC 9110 §10.2.3)."""
    if header is None:
        return None
    if header.isascii() and header.isdecimal():
        return float(header[:9])
    try:
        at = parsedate_to_datetime(header)
    except ValueError:
        return None
    return (at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds()
