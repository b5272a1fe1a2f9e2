"""With which codes sockets are closed where one node speaks of another. PROTOCOL.md has those that clients see."""

from __future__ import annotations

RESTARTED = 1012
"""To a client: the service is restarting (RFC 6455's registry), or the Space is at another node: come again."""
BROKEN = 4006
"""Between nodes: its client's connection broke, without a goodbye."""
MOVED_ON = 4007
"""Between nodes: its client is asked to come again, through another node than this one."""
