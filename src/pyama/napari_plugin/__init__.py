"""The plugin for napari: results as layers, labels that are corrected, traces of cells.

napari finds it by `napari.yaml`. Only `trace_dock` needs a window; nothing else in pyama
imports this package.
"""
