"""Fits of models to traces."""
