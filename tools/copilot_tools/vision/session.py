"""Runs a network in onnxruntime: one picture at a time, on one core."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from copilot_tools.vision.network import INPUT
from copilot_tools.vision.pictures import Pixels

Answers = Mapping[str, Any]


class Session:
    """A network ready to look at pictures; raises what onnxruntime raises for a wrong one."""

    def __init__(self, model: bytes) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        self._session = onnxruntime.InferenceSession(
            model, options, providers=["CPUExecutionProvider"]
        )
        self._names = [output.name for output in self._session.get_outputs()]

    @property
    def inputs(self) -> dict[str, tuple[str, list[int]]]:
        """Type and shape of each input."""
        return {node.name: (node.type, list(node.shape)) for node in self._session.get_inputs()}

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of what is answered."""
        return tuple(self._names)

    def look(self, pixels: Pixels) -> Answers:
        """What the network answers to a picture (256 x 256 x RGB)."""
        given = {INPUT: np.ascontiguousarray(pixels)}
        return dict(zip(self._names, self._session.run(None, given), strict=True))
