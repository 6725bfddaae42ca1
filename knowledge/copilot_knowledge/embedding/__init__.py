"""Sentence vectors without torch: a small graph, weights from a package, onnxruntime."""
