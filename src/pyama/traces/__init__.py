"""Traces as CSV files, and the corrections that people make to them."""
