"""Report as one HTML file that includes style, scripts and plotly.js."""

from importlib.resources import files
from pathlib import Path
from string import Template

from pyama.analysis.experiments.experiment_file import is_experiment, load_experiment
from pyama.analysis.experiments.experiment_merge import tables_folder
from pyama.analysis.report import markup
from pyama.analysis.report.experiment_report import (
    ExperimentData,
    collect_experiment,
    experiment_head,
    recordings_section,
)
from pyama.analysis.report.recording_sections import (
    fovs_section,
    head,
    pictures_section,
    quality_section,
    settings_section,
)
from pyama.analysis.report.report_data import ReportData, collect
from pyama.analysis.report.result_sections import (
    fits_sections,
    statistics_section,
    traces_section,
)
from pyama.errors import ConfigError
from pyama.store import write_atomically

REPORT = "report.html"


def write_report(
    output_dir: Path | str, path: Path | str | None = None, tables: Path | str | None = None
) -> Path:
    """Write a report on an output folder: one HTML file that needs no network.

    Args:
        output_dir: The output folder of a run, or a file `experiment.yaml`, whose report has
            samples, traces, fits and statistics only.
        path: The file; without it, `report.html` in `output_dir`, or in `tables` of an
            experiment.
        tables: Folder of merged tables and fits; without it, `output_dir`, or that into which
            `write_merged` writes those of an experiment.

    Returns:
        The file.

    Raises:
        ConfigError: plotly or Pillow is not installed, or `tables` is not a folder.
        StoreError: `output_dir` is not an output folder, or a table is damaged.
    """
    output_dir = Path(output_dir)
    if tables is not None and not Path(tables).is_dir():
        raise ConfigError(f"The folder of tables {tables} does not exist. Check the path.")
    folder = None if tables is None else Path(tables)
    plotly = _plotly()
    if is_experiment(output_dir):
        experiment, output_dir = load_experiment(output_dir), tables_folder(output_dir)
        page = build_experiment(collect_experiment(experiment, folder or output_dir), plotly)
        output_dir = folder or output_dir
    else:
        page = build(collect(output_dir, folder), plotly)
    target = output_dir / REPORT if path is None else Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(target, page.encode())
    return target


def _plotly() -> str:
    try:
        import PIL.Image  # noqa: F401
        from plotly.offline import get_plotlyjs
    except ImportError as error:
        raise ConfigError(
            f"A report needs {error.name}, which is not installed: "
            "pip install 'pyama-traces[plot]'"
        ) from error
    return str(get_plotlyjs())


def build(report: ReportData, plotly: str) -> str:
    """Return the page.

    Args:
        report: Content of the page.
        plotly: Source of plotly.js.
    """
    fits = list(fits_sections(report))
    sections = [
        ("traces", "Traces", traces_section(report)),
        *fits,
        ("statistics", "Statistics", statistics_section(report)),
        ("fovs", "Fields of view", fovs_section(report)),
        ("cells", "Segmentation", pictures_section(report)),
        ("quality", "Quality", quality_section(report)),
        ("settings", "Settings", settings_section(report)),
    ]
    return _page(report.metadata.basename, head(report), sections, plotly)


def build_experiment(report: ExperimentData, plotly: str) -> str:
    """Return the page of an experiment; see `build`."""
    sections = [
        ("traces", "Traces", traces_section(report)),
        *fits_sections(report),
        ("statistics", "Statistics", statistics_section(report)),
        ("recordings", "Recordings", recordings_section(report)),
    ]
    return _page(report.name, experiment_head(report), sections, plotly)


def _page(title: str, top: str, sections: list[tuple[str, str, str]], plotly: str) -> str:
    links = (f'<a href="#{key}">{markup.escape(name)}</a>' for key, name, _ in sections)
    return Template(_part("report.html")).substitute(
        title=markup.escape(f"{title} - pyama report"),
        style=_part("report.css"),
        contents="\n".join(links),
        body=top + "".join(content for _, _, content in sections),
        plotly=plotly,
        script=_part("report.js"),
    )


def _part(name: str) -> str:
    return files("pyama.analysis.report").joinpath(name).read_text(encoding="utf-8")
