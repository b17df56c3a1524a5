"""The page and the HTTP interface on which results are looked at, corrected and made."""
