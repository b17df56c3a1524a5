"""Server-sent events: streams that end, and only so many of them."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

from fastapi import Request
from fastapi.responses import PlainTextResponse, StreamingResponse
from starlette.types import Receive, Scope, Send

MAX_OPEN = 24
"""Largest number of streams that are open at the same time."""
MAX_SECONDS = 900.0
"""Seconds after which a stream ends; a browser then opens it again."""


class EventStreams:
    """All open streams of a server."""

    def __init__(self) -> None:
        self.n_open = 0
        self.is_stopping: Callable[[], bool] = lambda: False
        """Whether the server is about to stop, so that streams have to end."""


class EventStream(StreamingResponse):
    """A stream of JSON values as server-sent events.

    It ends with its values, when the server stops, when the client goes away, or after a
    quarter of an hour, also if the client does not read it.

    Args:
        request: The request that is answered; one too many is answered with 503.
        values: What is sent; None sends a comment, which shows that both sides are there.
    """

    def __init__(self, request: Request, values: AsyncIterator[object]) -> None:
        self._streams: EventStreams = request.app.state.event_streams
        headers = {"Cache-Control": "no-store"}
        super().__init__(self._events(values), media_type="text/event-stream", headers=headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream."""
        if self._streams.n_open >= MAX_OPEN:
            text = "Too many pages are watching. Close some of them.\n"
            await PlainTextResponse(text, 503)(scope, receive, send)
            return
        self._streams.n_open += 1
        try:
            async with asyncio.timeout(MAX_SECONDS):
                await super().__call__(scope, receive, send)
        except TimeoutError:
            pass
        finally:
            self._streams.n_open -= 1

    async def _events(self, values: AsyncIterator[object]) -> AsyncIterator[str]:
        async for value in values:
            yield ":\n\n" if value is None else f"data: {json.dumps(value)}\n\n"
            if self._streams.is_stopping():
                return


async def until_ended(state: Callable[[], Any], interval_s: float) -> AsyncIterator[object]:
    """Yield the state of something under way, repeatedly, until it does not run any more.

    Args:
        state: Returns the state, a model with a `status`; called in a thread.
        interval_s: Time between two states in seconds.
    """
    while True:
        now = await asyncio.to_thread(state)
        yield now.model_dump(mode="json")
        if now.status != "running":
            return
        await asyncio.sleep(interval_s)
