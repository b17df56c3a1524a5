"""Runs that are started from the page."""

from fastapi import FastAPI


def stop_all(app: FastAPI) -> None:
    """Cancel every run and wait until it has ended."""
