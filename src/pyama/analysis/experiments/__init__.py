"""Several recordings described in one file: read, checked, joined in time and merged."""
