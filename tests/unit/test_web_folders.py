"""The folders that the page serves, and its streams of events, without a server."""

import asyncio
from types import SimpleNamespace

import pytest
from fastapi import HTTPException

from pyama import layout
from pyama.errors import ConfigError
from pyama.web import folders
from pyama.web.change_routes import GONE, Watched
from pyama.web.event_streams import MAX_OPEN, EventStream, EventStreams
from pyama.web.folders import MAX_DEPTH, Root, shorten_paths
from results import results_in


def output_folder(path):
    path.mkdir(parents=True)
    (path / layout.CONFIG_FILE).touch()
    return path


def test_output_folders_are_found_down_to_a_depth(tmp_path):
    place, found = tmp_path, []
    for depth in range(1, MAX_DEPTH + 2):
        place = place / str(depth)
        found.append(output_folder(place.with_name(f"results {depth}")))
        place.mkdir()
    assert sorted(Root(tmp_path).output_dirs()) == sorted(found[:MAX_DEPTH])


def test_nothing_is_looked_for_in_output_folders_and_hidden_ones(tmp_path):
    outer = output_folder(tmp_path / "b")
    for name in ("b/inner", ".hidden"):
        output_folder(tmp_path / name)
    last, first = output_folder(tmp_path / "c"), output_folder(tmp_path / "a")
    assert [*Root(tmp_path).output_dirs()] == [first, outer, last]


def test_only_so_many_output_folders_are_listed(tmp_path, monkeypatch):
    monkeypatch.setattr(folders, "MAX_FOLDERS", 3)
    for name in "abcd":
        output_folder(tmp_path / name)
    assert [path.name for path in Root(tmp_path).output_dirs()] == ["a", "b", "c"]


@pytest.mark.parametrize("name", ["..", "/etc", "a/../..", "a\0b"])
def test_what_lies_outside_is_not_found(tmp_path, name):
    with pytest.raises(HTTPException) as raised:
        Root(tmp_path).inside(name)
    assert raised.value.status_code == 404


def test_names_and_paths_belong_to_each_other(tmp_path):
    root = Root(tmp_path)
    assert root.name(root.inside("a/b c")) == "a/b c"
    assert root.inside(".") == root.path


def test_a_run_needs_a_folder_of_its_own(tmp_path):
    with pytest.raises(ConfigError, match="folder of its own"):
        Root(tmp_path).new_output_dir("sub/..")
    assert Root(tmp_path).new_output_dir("sub") == tmp_path.resolve() / "sub"


def test_remarks_name_paths_below_their_folder_and_each_once(tmp_path):
    texts = [f"{tmp_path}/fov_000/x.csv is old.", f"{tmp_path} is old."]
    short = ["fov_000/x.csv is old.", "this folder is old."]
    assert shorten_paths([*texts, *texts], tmp_path) == short


async def answer(streams, values):
    """The status and the text of a stream, and how many streams were open during it."""
    sent, opened = [], []

    async def yielded():
        for value in values:
            opened.append(streams.n_open)
            yield value

    async def send(message):
        sent.append(message)

    async def receive():
        await asyncio.Event().wait()

    state = SimpleNamespace(event_streams=streams)
    stream = EventStream(SimpleNamespace(app=SimpleNamespace(state=state)), yielded())
    scope = {"type": "http", "asgi": {"spec_version": "2.4"}}
    await stream(scope, receive, send)
    body = b"".join(message.get("body", b"") for message in sent).decode()
    return sent[0]["status"], body, opened


def test_a_stream_takes_a_place_and_gives_it_back():
    streams = EventStreams()
    status, body, opened = asyncio.run(answer(streams, [{"a": 1}, None]))
    assert (status, body, opened) == (200, 'data: {"a": 1}\n\n:\n\n', [1, 1])
    assert streams.n_open == 0


@pytest.mark.parametrize(("n_open", "status"), [(MAX_OPEN - 1, 200), (MAX_OPEN, 503)])
def test_one_stream_too_many_is_refused_and_takes_no_place(n_open, status):
    streams = EventStreams()
    streams.n_open = n_open
    answered, body, _ = asyncio.run(answer(streams, [1]))
    assert answered == status
    assert ("Too many pages are watching" in body) == (status == 503)
    assert streams.n_open == n_open


def test_streams_end_when_the_server_stops():
    streams = EventStreams()
    streams.is_stopping = lambda: True
    assert asyncio.run(answer(streams, [1, 2]))[1] == "data: 1\n\n"


def test_a_stream_that_lasts_too_long_gives_its_place_back(monkeypatch):
    monkeypatch.setattr("pyama.web.event_streams.MAX_SECONDS", 0.01)
    streams = EventStreams()

    async def endless():
        yield 1
        await asyncio.Event().wait()

    async def send(_):
        pass

    async def run():
        state = SimpleNamespace(event_streams=streams)
        stream = EventStream(SimpleNamespace(app=SimpleNamespace(state=state)), endless())
        receive = asyncio.Event().wait
        await stream({"type": "http", "asgi": {"spec_version": "2.4"}}, receive, send)

    asyncio.run(run())
    assert streams.n_open == 0


def test_a_stream_that_breaks_gives_its_place_back():
    def broken():
        yield {"a": 1}
        raise HTTPException(404, "The folder is gone.")

    streams = EventStreams()
    with pytest.raises(HTTPException):
        asyncio.run(answer(streams, broken()))
    assert streams.n_open == 0


def test_a_folder_that_is_moved_away_is_said_and_found_again(tmp_path):
    folder, root = results_in(tmp_path), Root(tmp_path)
    watched = Watched(root, None, "results", 0)
    before = watched.look()
    assert set(before) == {"cells", "files"}
    folder.rename(tmp_path / "elsewhere")
    assert watched.look() == {"files": GONE}
    for name in ("results", "x" * 300):
        with pytest.raises(HTTPException) as refused:
            root.output_dir(name)
        assert f"{name} does not exist; it may have been moved" in refused.value.detail
    (tmp_path / "elsewhere").rename(folder)
    assert watched.look() == before
