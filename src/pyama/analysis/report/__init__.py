"""One HTML file that shows an experiment: what was found, how good it is, what it says."""

from pyama.analysis.report.html_page import write_report

__all__ = ["write_report"]
