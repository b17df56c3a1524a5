"""From time-lapse microscopy to single-cell traces."""
