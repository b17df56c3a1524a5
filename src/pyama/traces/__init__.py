"""Traces as CSV, and the corrections that people make to them."""
