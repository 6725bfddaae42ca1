"""Vision quality control: a small ONNX network that sorts pictures of parts and marks oddities."""
