"""Messages of a Redis Cluster's sharded pub/sub, from whichever of its nodes has one.

redis-py reads its nodes one after the other and waits at each, so one where nobody speaks would keep back those of the others.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

TURN_SECONDS = 0.1
"""How soon a node is read that a subscription has been made at meanwhile."""


class Shards:
    """Of one ClusterPubSub."""

    def __init__(self, client: Any, pubsub: Any, seconds: float) -> None:
        """`seconds`: how long one read waits."""
        self._client = client
        self._pubsub = pubsub
        self._seconds = seconds
        self._reading: dict[str, asyncio.Task[Any]] = {}
        self._ready: deque[Any] = deque()

    async def next(self) -> Any:
        """One message; None: there was none for a moment. Raises what redis-py raises."""
        if self._ready:
            return self._ready.popleft()
        for name, of_node in list(self._pubsub.node_pubsub_mapping.items()):
            if of_node.connection is None:
                continue  # it is being made
            if name not in self._reading and (node := self._client.get_node(node_name=name)) is not None:
                reading = self._pubsub.get_sharded_message(timeout=self._seconds, target_node=node)
                self._reading[name] = asyncio.create_task(reading, name=f"relay from {name}")
        if not self._reading:
            await asyncio.sleep(TURN_SECONDS)
            return None
        await asyncio.wait(self._reading.values(), timeout=TURN_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        for name, task in list(self._reading.items()):
            if task.done():
                del self._reading[name]
                if (message := task.result()) is not None:
                    self._ready.append(message)
        return self._ready.popleft() if self._ready else None

    async def end(self) -> None:
        for task in self._reading.values():
            task.cancel()
        await asyncio.gather(*self._reading.values(), return_exceptions=True)
