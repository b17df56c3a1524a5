"""Synthetic recordings with ground truth, and writers of microscope files.

`pyama.testing.synthetic.SyntheticRecording` draws a recording and writes it in any format.
`pyama.testing.phase_contrast.draw_field` draws single frames of many kinds of cells.
`write_nd2`, `write_czi` and `write_ome_tiff`, in the modules of their formats, write arrays.
"""
