"""The workflow: seven services, a worker, a batch, a run."""

from pyama.processing.methods import register_preprocessor
from pyama.processing.workflow.run import (
    BackgroundEstimationService,
    CachingService,
    CopyingService,
    CroppingService,
    ExtractionService,
    RunReport,
    SegmentationService,
    TrackingService,
    cleanup_partial_results,
    process,
    run_batch,
    run_single_worker,
    run_workflow,
    update_progress,
)

__all__ = [
    "BackgroundEstimationService",
    "CachingService",
    "CopyingService",
    "CroppingService",
    "ExtractionService",
    "RunReport",
    "SegmentationService",
    "TrackingService",
    "cleanup_partial_results",
    "process",
    "register_preprocessor",
    "run_batch",
    "run_single_worker",
    "run_workflow",
    "update_progress",
]
