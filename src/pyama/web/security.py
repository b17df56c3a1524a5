"""Access to the server: one token, requests of its own page only, known host names only."""

import asyncio
import ipaddress
import re
import secrets
from collections.abc import Mapping
from contextlib import AsyncExitStack
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pyama.web.request_bodies import BodyRefusedError, read_body

COOKIE = "pyama_token"
"""Beginning of its name. The port follows: browsers send cookies to all ports of a host."""
MAX_AT_ONCE = 64
"""Largest number of requests that are worked on at the same time; others wait."""
HOST = re.compile(r"([a-z0-9._-]+|\[[a-z0-9:.%_-]+\])(:[0-9]{1,5})?", re.IGNORECASE)
"""A name or an address with a port, and nothing else, such as the name of a user."""
OWN_SITES = ("same-origin", "none")
"""What a browser says of requests of the page itself, and of addresses that people open."""
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
"""Sent with every answer: nothing is loaded from elsewhere, and no other page may embed it."""


class AccessCheck:
    """Passes on requests that carry the token and come from the page itself.

    A page of another site can make a browser send requests here, under a name of its own that
    leads to this machine (DNS rebinding) or directly (cross-site requests). The first has a
    foreign `Host`, the second a foreign `Origin` and no cookie.

    Args:
        app: The application that gets these requests.
        token: Sent once as `?token=`, then as a cookie; or as `Authorization: Bearer`.
        hosts: Names of the server besides `localhost` and plain addresses.
    """

    def __init__(self, app: ASGIApp, token: str, hosts: frozenset[str] = frozenset()) -> None:
        self._app = app
        self._token = token
        self._hosts = hosts | {"localhost"}
        self._places = asyncio.Semaphore(MAX_AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a request, or pass it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        answer = self._refusal(scope) or self._welcome(scope)
        if answer is not None:
            await answer(scope, receive, send_guarded)
            return
        try:
            receive = await read_body(scope, receive)
        except BodyRefusedError as error:
            await _refused(error.status, str(error))(scope, receive, send_guarded)
            return
        await self._pass_on(scope, receive, send_guarded)

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait for a place; it is free again when the answer begins, however slow that is."""
        async with AsyncExitStack() as place:
            await place.enter_async_context(self._places)

            async def send_freeing(message: Message) -> None:
                await place.aclose()
                await send(message)

            await self._app(scope, receive, send_freeing)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._is_own(hosts[0]):
            return _refused(403, f"{', '.join(hosts)!r} is not a name of this server.")
        if _is_foreign(headers, hosts[0]) and not _is_visit(headers, scope):
            return _refused(403, "Requests of other sites are not answered.")
        if not self._knows(headers, _query(scope)):
            return _refused(
                401, "Open the address that `pyama view` has printed; it contains the token."
            )
        return None

    def _welcome(self, scope: Scope) -> Response | None:
        """Move the token of the first visit from the address into a cookie."""
        query = _query(scope)
        if "token" not in query or scope["method"] != "GET" or scope["path"] != "/":
            return None
        rest = urlencode({name: value for name, value in query.items() if name != "token"})
        answer = RedirectResponse(f"/?{rest}" if rest else "/", 303)
        name = _cookie_name(Headers(scope=scope))
        answer.set_cookie(name, self._token, httponly=True, samesite="strict")
        return answer

    def _is_own(self, host: str) -> bool:
        match = HOST.fullmatch(host)
        name = match[1].lower().strip("[]") if match else ""
        return name in self._hosts or _is_address(name)

    def _knows(self, headers: Headers, query: Mapping[str, str]) -> bool:
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        offered = [query.get("token", ""), bearer if scheme.lower() == "bearer" else ""]
        try:
            cookies = SimpleCookie(headers.get("cookie", ""))
            name = _cookie_name(headers)
            offered += [cookies[name].value] if name in cookies else []
        except CookieError:
            pass
        token = self._token.encode()
        return any(secrets.compare_digest(text.encode(), token) for text in offered)


def _cookie_name(headers: Headers) -> str:
    match = HOST.fullmatch(headers.get("host", ""))
    port = match[2] if match else None
    return f"{COOKIE}_{port[1:]}" if port else COOKIE


def _is_foreign(headers: Headers, host: str) -> bool:
    """Whether a page of another site, or of another server on this machine, asks."""
    origin = headers.get("origin")
    if origin is not None and _netloc(origin) != host:
        return True
    return headers.get("sec-fetch-site", OWN_SITES[0]) not in OWN_SITES


def _is_visit(headers: Headers, scope: Scope) -> bool:
    """Whether somebody opens the page by a link, such as one in a mail."""
    is_navigation = headers.get("sec-fetch-mode") == "navigate" and "origin" not in headers
    return is_navigation and (scope["method"], scope["path"]) == ("GET", "/")


def _netloc(origin: str) -> str:
    """Return host and port of an origin; empty if it is invalid."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    # Rebinding needs a name: an address in `Host` is where the request really went.
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return True


def _query(scope: Scope) -> dict[str, str]:
    return dict(parse_qsl(scope.get("query_string", b"").decode("latin-1"), errors="replace"))


def _refused(status: int, why: str) -> Response:
    return PlainTextResponse(why + "\n", status)
