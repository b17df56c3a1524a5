"""How fast and how right pyama is: what is measured, and against what."""
