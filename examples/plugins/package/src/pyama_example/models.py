"""A model of traces."""

from pyama.analysis.fitting.model import Model, Parameter

LINE = Model(
    name="example_line",
    parameters=(
        Parameter("start", "counts", default=0, linear=True),
        Parameter("slope", "counts/h", default=100, linear=True),
    ),
    function=lambda t, start, slope: start + slope * t,
    first_guess=lambda t, y: (y[:, 0], 0.0),
)
