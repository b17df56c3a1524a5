"""Recordings with known truth, and microscope files written from them."""
