"""Pure functions of arrays and parameters, without files, threads or logs."""
