"""Access to the server: one token, requests of its own page only, known host names only."""

import asyncio
import ipaddress
import secrets
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "pyama_token"
MAX_AT_ONCE = 64
"""Largest number of requests that are answered at the same time; others wait."""
ENDLESS = "/events"
"""Streams last as long as a run; they do not count."""
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
        if answer is not None or scope["path"].endswith(ENDLESS):
            await (answer or self._app)(scope, receive, send_guarded)
            return
        async with self._places:
            await self._app(scope, receive, send_guarded)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not self._is_own(host):
            return _refused(403, f"{host!r} is not a name of this server.")
        origin = headers.get("origin")
        if origin is not None and _netloc(origin) != host:
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
        answer.set_cookie(COOKIE, self._token, httponly=True, samesite="strict")
        return answer

    def _is_own(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return name in self._hosts or _is_address(name)

    def _knows(self, headers: Headers, query: Mapping[str, str]) -> bool:
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        offered = [query.get("token", ""), bearer if scheme.lower() == "bearer" else ""]
        try:
            cookies = SimpleCookie(headers.get("cookie", ""))
            offered += [cookies[COOKIE].value] if COOKIE in cookies else []
        except CookieError:
            pass
        token = self._token.encode()
        return any(secrets.compare_digest(text.encode(), token) for text in offered)


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
