"""From traces to numbers: models, fits, statistics."""
