"""Analysis of traces: models, fits, statistics."""
