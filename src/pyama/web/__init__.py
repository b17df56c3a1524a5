"""The page and the HTTP interface to view and correct results and to start runs."""
