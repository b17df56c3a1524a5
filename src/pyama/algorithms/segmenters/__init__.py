"""Segmentation methods: one frame in, labels out."""
