"""Connections of the server: those that do not send the headers of a request are closed.

uvicorn limits neither the time nor the number of such connections, so that a few hundred of
them would take all sockets that a process may have.
"""

import asyncio
from typing import ClassVar

from uvicorn.protocols.http.h11_impl import H11Protocol

MAX_SECONDS = 10.0
"""Time in which the headers of a request must arrive."""
MAX_WAITING = 512
"""Number of connections whose headers have not arrived; of more, the oldest makes room."""
GRACE_SECONDS = 1.0
"""A younger connection does not make room: a crowd may connect before it is read."""


class HeaderLimits(H11Protocol):
    """A connection that is closed if the headers of a request do not arrive."""

    waiting: ClassVar[dict["HeaderLimits", asyncio.TimerHandle]] = {}
    """Connections whose headers have not arrived, the oldest first."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request."""
        super().connection_made(transport)
        self._wait_for_headers()

    def data_received(self, data: bytes) -> None:
        """Take a part of a request."""
        super().data_received(data)
        cycle = getattr(self, "cycle", None)  # None before the first request
        is_answering = cycle is not None and not cycle.response_complete
        if is_answering or self.transport.is_closing():
            self._stop_waiting()
        elif self not in self.waiting:  # the next request of this connection
            self._wait_for_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait_for_headers(self) -> None:
        if len(self.waiting) >= MAX_WAITING:
            oldest = next(iter(self.waiting))
            age = self.loop.time() - self.waiting[oldest].when() + MAX_SECONDS
            if age >= GRACE_SECONDS:
                oldest.abandon()
        self.waiting[self] = self.loop.call_later(MAX_SECONDS, self.abandon)

    def _stop_waiting(self) -> None:
        timer = self.waiting.pop(self, None)
        if timer is not None:
            timer.cancel()

    def abandon(self) -> None:
        """Close the connection at once."""
        self._stop_waiting()
        self.transport.abort()
