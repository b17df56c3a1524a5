"""Settings of every test."""

from hypothesis import settings

# The first example of a property compiles its kernels: that takes seconds, once.
settings.register_profile("pyama", deadline=None)
settings.load_profile("pyama")
