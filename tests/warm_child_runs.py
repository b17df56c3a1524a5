"""Imported by the server that forks children: what it has compiled, they need not."""

import child_runs

child_runs._warm_up()
