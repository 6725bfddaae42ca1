"""Trained models on disk: versions that never change, and which of them is in use."""
