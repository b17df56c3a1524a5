"""Bodies of requests: read in full before a request is passed on, within limits."""

import asyncio
import re
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope

MAX_BYTES = 2**20
"""Largest body of a request."""
MAX_SECONDS = 10.0
"""Time in which a body must arrive."""
MAX_DEPTH = 50
"""Deeper nesting of lists and objects is refused: a parser would overflow its stack."""
JSON = "application/json"


class BodyRefusedError(Exception):
    """A body is too slow, too large, too deep, or not JSON.

    Args:
        status: HTTP status of the answer.
        why: What was expected, for people.
    """

    def __init__(self, status: HTTPStatus, why: str) -> None:
        super().__init__(why)
        self.status = status


async def read_body(scope: Scope, receive: Receive) -> Receive:
    """Read the body of a request.

    Returns:
        A function that gives the body at its first call, then waits for the end of the
        connection.

    Raises:
        BodyRefusedError: See there.
    """
    headers = Headers(scope=scope)
    if _declared(headers) > MAX_BYTES:
        raise _too_large()
    try:
        async with asyncio.timeout(MAX_SECONDS):
            body = await _all(receive)
    except TimeoutError as error:
        why = f"The body of a request must arrive within {MAX_SECONDS:.0f} s."
        raise BodyRefusedError(HTTPStatus.REQUEST_TIMEOUT, why) from error
    if body:
        _check(body, headers)
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return messages.pop() if messages else await receive()

    return receive_again


def _declared(headers: Headers) -> int:
    text = headers.get("content-length", "0")
    return int(text) if text.isdecimal() else 0


async def _all(receive: Receive) -> bytes:
    parts, n_bytes, is_complete = [], 0, False
    while not is_complete:
        message = await receive()
        parts.append(message.get("body", b""))
        n_bytes += len(parts[-1])
        if n_bytes > MAX_BYTES:
            raise _too_large()
        is_complete = not message.get("more_body", False)  # also if the client has gone
    return b"".join(parts)


def _check(body: bytes, headers: Headers) -> None:
    media = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != JSON:
        why = f"The body of a request must be {JSON}."
        raise BodyRefusedError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, why)
    if _depth(body) > MAX_DEPTH:
        why = f"Lists and objects may be nested {MAX_DEPTH} times in the body of a request."
        raise BodyRefusedError(HTTPStatus.BAD_REQUEST, why)


def _depth(body: bytes) -> int:
    """Return how deep JSON is nested."""
    deepest = depth = 0
    for byte in _TEXT.sub(b"", body).translate(None, _OTHER):
        depth += 1 if byte in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


_TEXT = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
"""A text, also one without its end, so that the time is proportional to the length."""
_OTHER = bytes(set(range(256)) - set(b"[{]}"))
"""All bytes that are no brackets."""


def _too_large() -> BodyRefusedError:
    why = f"The body of a request may have {MAX_BYTES // 1024} KiB."
    return BodyRefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, why)
