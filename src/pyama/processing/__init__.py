"""The steps and how they are run."""
