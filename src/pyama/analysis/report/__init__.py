"""Report on an experiment in one HTML file: traces, fits, statistics, images, quality."""

from pyama.analysis.report.html_page import write_report

__all__ = ["write_report"]
