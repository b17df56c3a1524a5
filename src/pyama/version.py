"""The version of this package, for files, logs and comparisons."""

from importlib.metadata import version

__version__ = version("pyama-traces")
"""Of the distribution that is installed; its name differs from the one that is imported."""
