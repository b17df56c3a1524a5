"""Images for people: contrast, outlines, overlays, encoding. Nothing is measured on them."""
