"""Results in the formats of other programs. Nothing in an output folder is changed."""
