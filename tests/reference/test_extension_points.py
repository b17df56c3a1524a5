"""The example code of the reference, run as it is written there."""

import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed

import numpy as np
import pandas as pd
import pytest

from pyama.algorithms.features import FLUORESCENCE_FEATURES, PHASE_FEATURES
from pyama.config import Channels
from pyama.errors import LockedError, PluginError
from pyama.processing import workflow
from pyama.processing.methods import PREPROCESSORS, TRACKERS
from pyama.processing.workflow.run import (
    BackgroundEstimationService,
    CachingService,
    CopyingService,
    CroppingService,
    ExtractionService,
    SegmentationService,
    TrackingService,
    _split_worker_ranges,
    run_batch,
    run_single_worker,
)
from pyama.readers import open_reader
from pyama.store import lock_fovs
from pyama.testing.nd2_writer import write_nd2
from small_movie import (
    CENTRES,
    MOVIE,
    N_FOVS,
    N_FRAMES,
    contents,
    draw_movie,
    interruptible,
    make_config,
    n_cells,
    recording_of,
)


@pytest.fixture(scope="module")
def movie_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("movie") / "movie.nd2"
    write_nd2(path, draw_movie()[:, :, np.newaxis], channel_names=["Phase", "GFP"])
    return path


@pytest.fixture
def metadata(movie_file):
    with open_reader(movie_file) as reader:
        return reader.metadata


@pytest.fixture
def registries():
    """Registries that are as they were after the test."""
    before = dict(PHASE_FEATURES), dict(FLUORESCENCE_FEATURES), list(PREPROCESSORS)
    yield
    PHASE_FEATURES.data, FLUORESCENCE_FEATURES.data = before[0], before[1]
    PREPROCESSORS[:] = before[2]


def test_the_body_of_run_batch(metadata, tmp_path):
    config, output_dir, n_workers = make_config(), tmp_path, 2
    fov_batch = list(range(N_FOVS))
    cancel_event = threading.Event()
    seen = []

    # Sequential copying (I/O bound)
    copy_service = CopyingService()
    copy_service.process_all_fovs(
        metadata=metadata,
        config=config,
        output_dir=output_dir,
        fov_start=fov_batch[0],
        fov_end=fov_batch[-1],
        cancel_event=cancel_event,
    )
    # Parallel processing (CPU bound)
    worker_ranges = _split_worker_ranges(fov_batch, n_workers)
    with ThreadPoolExecutor(max_workers=n_workers) as executor:
        futures = {
            executor.submit(
                run_single_worker,
                fov_range,
                metadata,
                config,
                output_dir,
                cancel_event,
            ): fov_range
            for fov_range in worker_ranges
        }
        for future in as_completed(futures):
            fov_range, successful, failed, message = future.result()
            assert fov_range == futures[future]
            seen.append((successful, failed, message))
    # Generate visualization cache after all processing
    caching_service = CachingService()
    caching_service.process_all_fovs(
        metadata=metadata,
        config=config,
        output_dir=output_dir,
        fov_start=fov_batch[0],
        fov_end=fov_batch[-1],
        cancel_event=cancel_event,
    )
    assert sorted(seen) == [(1, 0, "Completed"), (2, 0, "Completed")]

    whole = tmp_path / "whole"
    run_batch(fov_batch, config, n_workers, metadata, whole, cancel_event)
    expected = contents(whole)
    found = {k: v for k, v in contents(tmp_path).items() if not k.startswith("whole")}
    assert found == expected
    assert len([name for name in found if name.endswith("_traces.csv")]) == N_FOVS


def test_the_body_of_run_single_worker(metadata, tmp_path):
    config, output_dir, cancel_event, fovs = make_config(), tmp_path, None, [0, 1]
    CopyingService().process_all_fovs(metadata, config, output_dir, 0, 1, cancel_event)
    segmentation = SegmentationService(method=config.params.segmentation_method)
    tracking = TrackingService(method=config.params.tracking_method)
    background_estimation = BackgroundEstimationService()
    cropping = CroppingService()
    extraction = ExtractionService()
    for service in (segmentation, tracking, background_estimation, cropping, extraction):
        service.process_all_fovs(metadata, config, output_dir, fovs[0], fovs[-1], cancel_event)
    tables = [pd.read_csv(path) for path in sorted(tmp_path.rglob("*_traces.csv"))]
    assert [len(table) for table in tables] == [n_cells(fov) * N_FRAMES for fov in fovs]


def test_run_batch_reports_progress(metadata, tmp_path):
    seen = []
    run_batch(
        [0, 2],
        make_config(),
        2,
        metadata,
        tmp_path,
        update_progress=lambda *result: seen.append(result),
    )
    assert sorted(seen) == [(1, 0, "Completed"), (1, 0, "Completed")]
    assert sorted(p.name for p in tmp_path.glob("fov_*")) == ["fov_000", "fov_002"]


def test_a_worker_never_raises(metadata, tmp_path):
    fovs, successful, failed, message = run_single_worker(
        [0, 1], metadata, make_config(), tmp_path, None
    )
    assert (fovs, successful, failed) == ([0, 1], 0, 2)
    assert "pc_ch_0/0 is missing. Run the step that writes pc_ch_0 first." in message
    fovs, successful, failed, message = run_single_worker(
        [99], metadata, make_config(), tmp_path, None
    )
    assert (fovs, successful, failed) == ([99], 0, 1)
    assert "FOV 99 does not exist" in message


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        pytest.param({"fovs": ["0"]}, "'str' object", id="fovs"),
        pytest.param({"metadata": None}, "'NoneType' object has no attribute", id="metadata"),
        pytest.param({"config": None}, "'NoneType' object has no attribute", id="config"),
        pytest.param({"output_dir": None}, "not NoneType", id="folder"),
    ],
)
def test_a_worker_never_raises_for_arguments_that_are_none(metadata, tmp_path, wrong, message):
    good = {"fovs": [0], "metadata": metadata, "config": make_config(), "output_dir": tmp_path}
    fovs, successful, failed, found = run_single_worker(**{**good, **wrong}, cancel_event=None)
    assert (len(fovs), successful, failed) == (1, 0, 1)
    assert message in found


def test_a_batch_leaves_alone_what_another_run_is_working_on(metadata, tmp_path):
    with lock_fovs(tmp_path, [1]):
        with pytest.raises(LockedError, match="fov_001 is in use by"):
            run_batch([0, 1], make_config(), 1, metadata, tmp_path)
        assert run_batch([0], make_config(), 1, metadata, tmp_path).failed_fovs() == []


def test_fovs_may_be_numbers_of_numpy(metadata, tmp_path):
    fovs, config = np.array([0, 2]), make_config()
    report = run_batch(fovs, config, 2, metadata, tmp_path)
    assert report.failed_fovs() == []
    CopyingService().process_all_fovs(metadata, config, tmp_path, fovs[0], fovs[1])
    result = run_single_worker(fovs, metadata, config, tmp_path)
    assert result[0] is fovs
    assert result[1:] == (2, 0, "Completed")
    assert workflow.process(metadata.path, config, tmp_path, fovs).fovs == (0, 2)


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="needs signals to a thread")
def test_an_interrupted_batch_stops_without_an_event_too(metadata, tmp_path, registries):
    asked = threading.Event()

    def interrupting(image, mask, context):
        if not asked.is_set():
            asked.set()
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        time.sleep(0.02)
        return 0.0

    PHASE_FEATURES["interrupting"] = interrupting
    config = make_config(Channels(pc=[0, ["interrupting"]]))
    with interruptible(), pytest.raises(KeyboardInterrupt):
        run_batch([0, 1, 2], config, 1, metadata, tmp_path)
    assert asked.is_set()
    assert not list(tmp_path.rglob("*_traces.csv")), "no worker went on to the end"


def test_a_cancelled_worker_says_so(metadata, tmp_path):
    event = threading.Event()
    event.set()
    result = run_single_worker([0, 1], metadata, make_config(), tmp_path, event)
    assert tuple(result) == ([0, 1], 0, 2, "Cancelled")


def test_custom_features(metadata, tmp_path, registries):
    def extract_custom_feature(image, mask, context):
        """User-defined feature extraction."""
        return float(image[mask].mean() + 0 * context.frame)

    PHASE_FEATURES["custom_feature"] = extract_custom_feature
    FLUORESCENCE_FEATURES["half"] = lambda image, mask, context: (
        (image[mask].sum() - context.background_weight * context.background[mask].sum()) / 2
    )
    channels = Channels(pc=[0, ["custom_feature"]], fl=[[1, ["half", "intensity_total"]]])
    CopyingService().process_all_fovs(metadata, make_config(channels), tmp_path, 0, 0)
    run_single_worker([0], metadata, make_config(channels), tmp_path)
    table = pd.read_csv(next(tmp_path.rglob("*_traces.csv")))
    assert list(table.columns[10:]) == [
        "custom_feature_ch_0",
        "half_ch_1",
        "intensity_total_ch_1",
    ]
    np.testing.assert_allclose(table["custom_feature_ch_0"], 2000, atol=30)
    np.testing.assert_array_equal(table["half_ch_1"] * 2, table["intensity_total_ch_1"])


def test_a_custom_feature_gets_the_times_of_its_field_of_view(tmp_path, registries):
    PHASE_FEATURES["minutes"] = lambda image, mask, context: context.time_min
    times = [[0.0, 10.0], [3.0, 15.0]]
    config = make_config(Channels(pc=[0, ["minutes"]]), min_frames=1)
    workflow.process(recording_of(MOVIE[:2, :2], times=times), config, tmp_path)
    for fov, path in enumerate(sorted(tmp_path.rglob("*_traces.csv"))):
        table = pd.read_csv(path)
        assert len(table)
        assert table["minutes_ch_0"].tolist() == [times[fov][t] for t in table["frame"]]


def test_custom_preprocessor(metadata, tmp_path, registries):
    class CustomPreprocessor:
        """Pre-process frames before segmentation."""

        def process(self, image):
            processed_image = image.copy()
            processed_image[:80] = 2000  # nothing is left to see in the upper half
            return processed_image

    workflow.register_preprocessor(CustomPreprocessor())
    config = make_config()
    CopyingService().process_all_fovs(metadata, config, tmp_path, 0, 0)
    assert run_single_worker([0], metadata, config, tmp_path)[3] == "Completed"
    table = pd.read_csv(next(tmp_path.rglob("*_traces.csv")))
    assert table["cell"].nunique() == 2
    assert (table["position_y"] > 80).all()
    np.testing.assert_allclose(table["intensity_mean_ch_1"], 200, rtol=0.15)


def test_a_preprocessor_without_process_is_refused(registries):
    with pytest.raises(PluginError, match=r"an object with a method process\(image\)"):
        workflow.register_preprocessor(object())


BROKEN = [
    pytest.param(
        lambda image: 1 / 0, "raised ZeroDivisionError: division by zero", id="error"
    ),
    pytest.param(lambda image: image[1:], "expected an image of shape", id="shape"),
    pytest.param(lambda image: None, "returned NoneType", id="nothing"),
    pytest.param(lambda image: image * np.nan, "not of finite numbers", id="nan"),
]


@pytest.mark.parametrize(("process", "message"), BROKEN)
def test_a_preprocessor_that_fails_is_named(metadata, tmp_path, registries, process, message):
    class Broken:
        version = 1

        def process(self, image):
            return process(image)

    workflow.register_preprocessor(Broken())
    config = make_config()
    CopyingService().process_all_fovs(metadata, config, tmp_path, 0, 0)
    _, successful, failed, text = run_single_worker([0], metadata, config, tmp_path)
    assert (successful, failed) == (0, 1)
    assert text.startswith("FOV 0, segmentation, frame 0: preprocessor Broken")
    assert message in text


@pytest.mark.parametrize(
    ("change", "message"),
    [(-1, "returned 5 frames; expected 6."), (1, "more frames than the 6 it was given")],
)
def test_a_tracker_with_too_few_or_too_many_frames_is_named(
    metadata, tmp_path, monkeypatch, change, message
):
    def odd(frames, params):
        found = list(frames)
        return found[:change] if change < 0 else [*found, found[-1]]

    monkeypatch.setitem(TRACKERS, "odd", odd)
    config = make_config(tracking_method="odd")
    CopyingService().process_all_fovs(metadata, config, tmp_path, 0, 0)
    _, successful, failed, text = run_single_worker([0], metadata, config, tmp_path)
    assert (successful, failed) == (0, 1)
    assert "tracking" in text
    assert message in text


def test_a_preprocessor_may_give_floats(metadata, tmp_path, registries):
    class Normalised:
        def process(self, image):
            return (image - image.mean()) / image.std()

    workflow.register_preprocessor(Normalised())
    config = make_config()
    CopyingService().process_all_fovs(metadata, config, tmp_path, 0, 0)
    assert run_single_worker([0], metadata, config, tmp_path)[3] == "Completed"
    table = pd.read_csv(next(tmp_path.rglob("*_traces.csv")))
    assert table["cell"].nunique() == len(CENTRES)
