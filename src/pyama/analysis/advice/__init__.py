"""What the results of a run suggest to change: settings, as values and in sentences."""
