"""Where workers run: threads, processes, or a Dask cluster."""
