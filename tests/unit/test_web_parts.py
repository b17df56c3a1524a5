"""Parts of the server of the page: bodies, access, forms and numbers."""

import asyncio
import json
import math

import pytest
from starlette.datastructures import Headers

from pyama.errors import ConfigError
from pyama.web import request_bodies
from pyama.web.form_routes import _is_harmless, form_config, schema
from pyama.web.json_numbers import finite_or_null
from pyama.web.request_bodies import MAX_BYTES, MAX_DEPTH, BodyRefusedError, read_body
from pyama.web.security import AccessCheck, _is_foreign, _is_visit


def test_numbers_that_json_has_not_are_null():
    assert finite_or_null([1.5, math.nan, math.inf, -math.inf, 0]) == [
        1.5,
        None,
        None,
        None,
        0,
    ]


def body_of(*parts, media="application/json", **headers):
    """The body that is passed on, or the status of the refusal."""
    messages = [
        {"type": "http.request", "body": part, "more_body": i + 1 < len(parts)}
        for i, part in enumerate(parts)
    ]
    named = {"content-type": media} | {
        name.replace("_", "-"): v for name, v in headers.items()
    }
    scope = {"headers": [(name.encode(), value.encode()) for name, value in named.items()]}

    async def receive():
        return messages.pop(0)

    async def read():
        again = await read_body(scope, receive)
        return (await again())["body"]

    try:
        return asyncio.run(read())
    except BodyRefusedError as error:
        return error.status


def test_a_body_is_put_together():
    assert body_of(b'{"a":', b" 1}") == b'{"a": 1}'
    assert body_of(b"", media="") == b""


@pytest.mark.parametrize(("size", "is_read"), [(MAX_BYTES, True), (MAX_BYTES + 1, False)])
def test_a_body_has_a_largest_size(size, is_read):
    body = b'"' + b"x" * (size - 2) + b'"'
    expected = body if is_read else 413
    assert body_of(body) == expected
    assert body_of(body[:100], body[100:]) == expected
    assert body_of(b"1", content_length=str(size)) == (b"1" if is_read else 413)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, None),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), 400),
        (b'{"a":' * (MAX_DEPTH + 1) + b"1" + b"}" * (MAX_DEPTH + 1), 400),
        (b'"' + b"[" * 99 + b'"', None),  # brackets in a text are none
        (b'"\\"' + b"[" * 99 + b'"', None),
        (b"[]," * 99, None),
    ],
)
def test_a_body_has_a_largest_depth(body, status):
    assert body_of(body) == (body if status is None else status)


@pytest.mark.parametrize(
    ("media", "is_read"),
    [
        ("application/json", True),
        ("Application/JSON; charset=utf-8", True),
        ("text/plain", False),
        ("application/jsonx", False),
        ("", False),
    ],
)
def test_a_body_must_be_json(media, is_read):
    assert body_of(b"1", media=media) == (b"1" if is_read else 415)


def test_a_body_that_does_not_come_is_refused(monkeypatch):
    monkeypatch.setattr(request_bodies, "MAX_SECONDS", 0.01)

    async def read():
        await read_body({"headers": []}, asyncio.Event().wait)

    with pytest.raises(BodyRefusedError) as refused:
        asyncio.run(read())
    assert refused.value.status == 408


@pytest.mark.parametrize(
    ("headers", "is_foreign"),
    [
        ({}, False),
        ({"origin": "http://localhost:1"}, False),
        ({"origin": "http://localhost:2"}, True),
        ({"origin": "null"}, True),
        ({"origin": "http://["}, True),
        ({"sec-fetch-site": "same-origin"}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"sec-fetch-site": "same-site"}, True),
        ({"sec-fetch-site": "cross-site"}, True),
    ],
)
def test_requests_of_other_pages_are_known_by_their_headers(headers, is_foreign):
    assert _is_foreign(Headers(headers), "localhost:1") == is_foreign


@pytest.mark.parametrize(
    ("headers", "method", "path", "is_visit"),
    [
        ({"sec-fetch-mode": "navigate"}, "GET", "/", True),
        ({"sec-fetch-mode": "navigate"}, "GET", "/api/runs", False),
        ({"sec-fetch-mode": "navigate"}, "POST", "/", False),
        ({"sec-fetch-mode": "navigate", "origin": "http://x"}, "GET", "/", False),
        ({"sec-fetch-mode": "cors"}, "GET", "/", False),
        ({}, "GET", "/", False),
    ],
)
def test_a_link_to_the_page_may_be_followed(headers, method, path, is_visit):
    scope = {"method": method, "path": path}
    assert _is_visit(Headers(headers), scope) == is_visit


@pytest.mark.parametrize(
    ("host", "is_own"),
    [
        ("localhost", True),
        ("LOCALHOST:8000", True),
        ("lab-server:1", True),
        ("127.0.0.1:8000", True),
        ("[::1]:8000", True),
        ("[fe80::1%eth0]", True),
        ("example.org", False),
        ("me@localhost", False),
        ("localhost:123456", False),
        ("localhost.example.org", False),
        ("", False),
    ],
)
def test_the_server_has_its_own_names_only(host, is_own):
    assert AccessCheck(None, "secret", frozenset({"lab-server"}))._is_own(host) == is_own


@pytest.mark.parametrize(
    ("headers", "query", "is_known"),
    [
        ({}, {"token": "secret"}, True),
        ({}, {"token": "secre"}, False),
        ({}, {}, False),
        ({"authorization": "Bearer secret"}, {}, True),
        ({"authorization": "bearer secret"}, {}, True),
        ({"authorization": "Basic secret"}, {}, False),
        ({"cookie": "pyama_token_8000=secret"}, {}, True),
        ({"cookie": "a=1; pyama_token_8000=secret"}, {}, True),
        ({"cookie": "pyama_token_8000=other"}, {}, False),
        ({"cookie": "pyama_token_8001=secret"}, {}, False),
        ({"cookie": "other=secret"}, {}, False),
        ({"cookie": "\x00=;;"}, {}, False),
    ],
)
def test_the_token_comes_in_three_ways(headers, query, is_known):
    sent = Headers({"host": "localhost:8000", **headers})
    assert AccessCheck(None, "secret")._knows(sent, query) == is_known


@pytest.mark.parametrize(
    ("entry", "is_harmless"),
    [
        ({"type": "integer"}, True),
        ({"type": "string"}, False),
        ({"enum": ["a"], "type": "string"}, True),
        ({"const": "a"}, True),
        ({"anyOf": [{"type": "number"}, {"type": "null"}]}, True),
        ({"anyOf": [{"type": "number"}, {"type": "string"}]}, False),
        ({"$ref": "#/$defs/Choice"}, True),
        ({"$ref": "#/$defs/Unknown"}, False),
        ({"type": "array", "items": {"type": "string"}}, False),
        ({}, False),
    ],
)
def test_values_that_cannot_name_a_file_are_offered(entry, is_harmless):
    assert _is_harmless(entry, {"$defs": {"Choice": {"enum": ["a"]}}}) == is_harmless


def test_the_form_has_no_texts_that_name_files():
    properties = schema()["$defs"]["ProcessingParams"]["properties"]
    assert properties["flat_field"]["absent"] == "none"
    assert properties["dark_frame"]["absent"] == "unknown"
    assert "string" not in json.dumps(properties["dark_frame"]["anyOf"])
    channels = {"pc": None, "fl": [{"channel": 1}]}
    assert form_config(channels, {"dark_frame": 100}).params.dark_frame == 100
    assert form_config(channels, {"flat_field": "estimate"}).params.flat_field == "estimate"
    for name, value in (("flat_field", "x.tif"), ("dark_frame", {1: "x.tif"})):
        with pytest.raises(ConfigError, match=f"^{name}: the form takes numbers"):
            form_config(channels, {name: value})
