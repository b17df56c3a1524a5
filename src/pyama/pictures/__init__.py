"""Images for display: contrast, outlines, overlays, encoding. Nothing is measured on them."""
