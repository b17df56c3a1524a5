"""Tracking methods, which give a cell the same number in the labels of all frames."""
