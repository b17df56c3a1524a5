"""How many random cases a test draws: a sample in the suite, many in `python dev.py chaos`."""

import os

CHAOS = bool(os.environ.get("PYAMA_CHAOS"))


def amount(suite, chaos):
    return chaos if CHAOS else suite
