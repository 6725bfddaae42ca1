"""The shape of the encoder: all-MiniLM-L6-v2."""

LAYERS = 6
HEADS = 12
WIDTH = 384
