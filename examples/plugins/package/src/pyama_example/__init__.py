"""One plugin for pyama of every kind."""
