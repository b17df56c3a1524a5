"""Compiled loops and array operations that the algorithms share."""
