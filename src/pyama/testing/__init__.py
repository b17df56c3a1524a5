"""Synthetic recordings with ground truth, and writers of microscope files.

`pyama.testing.synthetic.SyntheticRecording` draws a recording and writes it in any format.
`write_nd2`, `write_czi` and `write_ome_tiff`, in the modules of their formats, write arrays.
"""
