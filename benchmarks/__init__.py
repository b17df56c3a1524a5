"""Measurements of the speed and accuracy of pyama, and what they are compared with."""
