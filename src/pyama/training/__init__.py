"""Training of the network that segments phase contrast; needs the extra `train` (PyTorch).

Only `network`, `augmentation`, `patches` and `loop` import PyTorch.
"""
