"""One plugin of every kind for pyama."""
