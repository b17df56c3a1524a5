"""Adapters of other packages, and of files that other programs have written."""
