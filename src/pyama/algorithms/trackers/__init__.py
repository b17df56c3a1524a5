"""Tracking methods: labels of successive frames in, labels with constant numbers out."""
