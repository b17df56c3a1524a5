"""Arrays in, arrays out: no files, no threads, no logs."""
