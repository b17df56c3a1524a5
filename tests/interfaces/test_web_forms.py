"""The form of a run: what it offers, refuses, and how it is typed."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import pytest
from fastapi.testclient import TestClient
from pydantic import Field

from pyama.algorithms.features import PHASE_FEATURES
from pyama.algorithms.params import Params, TrackingParams, WatershedParams, own_params
from pyama.config import ProcessingParams
from pyama.processing.methods import SEGMENTERS, TRACKERS
from pyama.registry import parameters
from pyama.testing.nd2_writer import write_nd2
from pyama.web.application import create_app
from small_movie import MOVIE

OF_PYAMA = ("iou", "mask_iou", "kalman")
CHANNELS = {"pc": {"channel": 0}, "fl": [{"channel": 1}]}
ORDER = {"file": "movie.nd2", "output": "out", "channels": CHANNELS, "params": {}}


class SpotParams(Params):
    """Parameters of a feature of somebody else."""

    size: Annotated[int, Field(ge=1, le=9, json_schema_extra={"unit": "px"})] = 3
    """Width of a spot."""
    kind: Literal["bright", "dark"] = "bright"
    """Which spots."""
    limit: float | None = None
    """Where to stop."""
    table: str = "table.csv"
    """A file."""
    second: str | None = None
    """Another file, if there is one."""


@parameters(SpotParams)
def spots(image, mask, context):
    return float(context.params.size)


@pytest.fixture
def root(tmp_path):
    write_nd2(tmp_path / "movie.nd2", MOVIE[:1, :2, None], channel_names=["Phase", "GFP"])
    return tmp_path


@pytest.fixture
def client(root, monkeypatch):
    PHASE_FEATURES["spots"] = spots
    headers = {"Authorization": "Bearer secret"}
    monkeypatch.chdir(root)
    app = create_app(root, "secret", plugins=[Path("my plugins")])  # as typed
    yield TestClient(app, base_url="http://localhost", headers=headers)
    del PHASE_FEATURES["spots"]


def test_the_form_knows_units_bounds_defaults_and_meaning(client):
    schema = client.get("/api/schema").json()
    found = schema["$defs"]["ProcessingParams"]["properties"]
    assert set(found) == set(ProcessingParams.model_fields)
    assert found["min_iou"] == {
        "default": 0.1,
        "description": "Smallest overlap (intersection over union) of one cell in successive "
        "frames.",
        "maximum": 1,
        "minimum": 0,
        "title": "Min Iou",
        "type": "number",
        "unit": "1",
    }
    diameter = found["cell_diameter"]
    types = [(part["type"], part.get("unit")) for part in diameter["anyOf"]]
    assert types == [("number", "px"), ("string", None), ("null", None)]
    assert diameter["absent"] == "not used"
    choices = schema["choices"]
    assert set(choices["tracking_method"]) == set(TRACKERS) - {"labels"}, "it takes a path"
    # Without the path of its files it cannot be used from the form.
    assert set(SEGMENTERS) - set(choices["segmentation_method"]) == {"labels"}
    assert {"area", "spots"} <= set(choices["phase"])


def test_parameters_of_plugins_are_offered_unless_they_could_name_a_file(client):
    schema = client.get("/api/schema").json()
    own = schema["$defs"]["ProcessingParams"]["properties"]["plugins"]["properties"]
    assert set(own["spots"]["properties"]) == {"size", "kind", "limit"}
    assert own["spots"]["properties"]["size"]["unit"] == "px"
    assert set(own["cellpose"]["properties"]) == {
        *("diameter", "flow_threshold", "cellprob_threshold", "gpu"),
    }
    assert "kalman" in own


class Reads:
    """Parameters that remember which of them are read."""

    def __init__(self, params):
        self.params, self.names = params, set()

    def __getattr__(self, name):
        self.names.add(name)
        return getattr(self.params, name)


@pytest.mark.parametrize(
    ("registry", "name"),
    [(SEGMENTERS, "logstd"), (SEGMENTERS, "watershed"), *((TRACKERS, n) for n in OF_PYAMA)],
)
def test_the_form_shows_the_parameters_that_the_chosen_method_reads(client, registry, name):
    is_tracker = registry is TRACKERS
    chooser = "tracking_method" if is_tracker else "segmentation_method"
    conditions = client.get("/api/schema").json()["form"]["conditions"]
    reads = Reads(own_params(name, registry[name], ProcessingParams()))
    if is_tracker:
        list(registry[name]([np.eye(40, dtype=np.uint16)] * 2, reads))
    else:
        registry[name](MOVIE[0, 0, 0], reads)
    hidden = {
        name_of
        for name_of, condition in conditions.items()
        if name not in condition.get(chooser, [name])
    }
    assert reads.names
    assert not reads.names & hidden
    model = TrackingParams if is_tracker else WatershedParams
    shown = set(model.model_fields) - hidden
    limits = {"min_object_size", "max_object_size", "divisions", "repair_flicker"}
    assert shown - limits <= reads.names


def test_every_parameter_stands_in_one_group(client):
    schema = client.get("/api/schema").json()
    names = [name for group in schema["form"]["groups"] for name in group["names"]]
    assert len(names) == len(set(names))
    assert set(ProcessingParams.model_fields) <= set(names)
    assert "kalman.max_step" in names
    conditions = schema["form"]["conditions"]
    assert conditions["kalman"] == {"tracking_method": ["kalman"]}
    assert conditions["spots"] == {"phase": ["spots"]}
    # They apply to the results of every method, also of one with parameters of its own.
    assert not conditions.keys() & {"min_object_size", "max_object_size", "divisions"}
    assert {"segmentation_method", "logstd_window_size", "cellpose"} <= set(
        schema["form"]["trial"]
    )
    assert "min_frames" not in schema["form"]["trial"]


def command_of(client, **params):
    answer = client.post("/api/runs/plan", json=ORDER | {"params": params})
    assert answer.status_code == 200, answer.text
    return answer.json()["command"]


@pytest.mark.skipif(sys.platform == "win32", reason="quoted for another shell")
def test_parameters_of_plugins_are_part_of_the_command(client, root):
    features = {"phase": ["area", "spots"]}
    own = {"spots": {"size": 5, "kind": "dark"}}
    found = command_of(client, features=features, plugins=own, min_iou=0.2)
    assert found.startswith(f"pyama run {root}/movie.nd2 --output {root}/out --pc 0 --fl 1")
    assert f" --plugins '{root}/my plugins' " in found
    assert "--set 'features={phase: [area, spots]}' --set min_iou=0.2" in found
    assert "--set spots.kind=dark" in found
    assert "--set spots.size=5" in found
    assert not (root / "out").exists()


WRONG = [
    ({"spots": {"size": 10}}, "plugins.spots.size = 10"),
    ({"spots": {"kind": "green"}}, "plugins.spots.kind"),
    ({"spots": {"table": "/etc/passwd"}}, "spots.table"),
    ({"spots": {"second": "/etc/passwd"}}, "spots.second"),
    ({"cellpose": {"model": "/etc/passwd"}}, "cellpose.model"),
    ({"labels": {"path": "/etc/passwd"}}, "labels.path"),
    ({"unknown": {"path": "/etc/passwd"}}, "unknown.path"),
    ({"spots": 3}, "spots"),
    (None, "plugins"),
]


@pytest.mark.parametrize(("plugins", "told"), WRONG)
def test_wrong_parameters_of_plugins_are_refused(client, root, plugins, told):
    for address in ("/api/runs", "/api/runs/plan"):
        answer = client.post(address, json=ORDER | {"params": {"plugins": plugins}})
        assert answer.status_code == 422
        assert told in answer.json()["detail"]
    trial = ORDER | {"fov": 0, "frame": 0, "params": {"plugins": plugins}}
    assert client.post("/api/recording/segmentation", json=trial).status_code == 422
    assert [path.name for path in root.iterdir()] == ["movie.nd2"]
