"""How many random cases a test draws.

A sample in the suite, a tenth of everything in `python dev.py test-long`, and everything in
`python dev.py chaos`: the variable `PYAMA_CHAOS` is the share.
"""

import os

SHARE = float(os.environ.get("PYAMA_CHAOS") or 0)
CHAOS = SHARE > 0


def amount(suite, chaos):
    """`suite` in the suite and `chaos` elsewhere; of a number its share, at least `suite`."""
    if not CHAOS:
        return suite
    return max(suite, round(chaos * SHARE)) if type(chaos) is int else chaos


def drawn(dice, cases, suite):
    """As many of the cases as `amount` says, in their order."""
    chosen = dice.sample(range(len(cases)), min(amount(suite, len(cases)), len(cases)))
    return [cases[i] for i in sorted(chosen)]
