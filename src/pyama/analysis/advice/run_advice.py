"""What the results of a run suggest to change, for summary, report and page."""

from collections import Counter
from collections.abc import Iterator, Mapping

from pyama.analysis.advice.accounting import Notes, Outputs, of_step
from pyama.analysis.advice.background_advice import background_advice
from pyama.analysis.advice.crowding_advice import crowding_advice
from pyama.analysis.advice.diameter_advice import diameter_advice
from pyama.analysis.advice.filter_advice import filter_advice
from pyama.analysis.advice.image_kind_advice import image_kind_advice
from pyama.analysis.advice.mask_advice import mask_advice
from pyama.analysis.advice.negative_totals_advice import negative_totals_advice
from pyama.analysis.advice.repeated_advice import repeated_advice
from pyama.analysis.advice.saturation_advice import saturation_advice
from pyama.analysis.advice.track_advice import track_advice
from pyama.config import ProcessingConfig
from pyama.metadata import MicroscopyMetadata
from pyama.sentences import not_similar


def run_advice(
    outputs: Outputs, config: ProcessingConfig, metadata: MicroscopyMetadata
) -> list[str]:
    """Return what was found, one sentence each, with the options to add.

    Args:
        outputs: What the steps noted.
        config: Of the run.
        metadata: Of the recording.
    """
    segmentation, extraction = of_step(outputs, "segmentation"), of_step(outputs, "extraction")
    objects: Counter[str] = Counter()
    for notes in segmentation.values():
        objects.update(_counts(notes))
    crowding = crowding_advice(objects, config.params)
    return [
        *saturation_advice(outputs, config, metadata),
        *repeated_advice(outputs, metadata),
        *image_kind_advice(segmentation, config, metadata),
        *diameter_advice(segmentation, config, metadata),
        *background_advice(outputs, metadata),
        *negative_totals_advice(extraction, config, metadata),
        *mask_advice(segmentation, config.params),
        *([crowding] if crowding else []),
        *_not_registered(of_step(outputs, "registration")),
        *track_advice(extraction, config.params, _uncovered(config, metadata)),
        *filter_advice(extraction, config.params, metadata),
    ]


def _not_registered(registration: Mapping[int, Notes]) -> Iterator[str]:
    for fov, notes in registration.items():
        frames = notes.get("frames_not_registered")
        if frames:
            yield f"FOV {fov}: {not_similar(frames)}"


def _uncovered(config: ProcessingConfig, metadata: MicroscopyMetadata) -> dict[int, set[int]]:
    """Return the frames whose phase contrast lacks tiles that other frames have, by FOV."""
    pc = config.channels.pc
    found: dict[int, set[int]] = {}
    for pixels in metadata.missing_pixels:
        if pc and pixels.channel == pc.channel and len(pixels.frames) < metadata.n_frames:
            found.setdefault(pixels.fov, set()).update(pixels.frames)
    return found


def _counts(notes: Mapping[str, Mapping[str, int]]) -> Mapping[str, int]:
    return notes.get("objects", {})
