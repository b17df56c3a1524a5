"""Training of the network that segments phase contrast; needs the extra `train` (PyTorch).

Only `network`, `augmentation`, `patches`, `loop` and `fine_tuning` import PyTorch.
"""
