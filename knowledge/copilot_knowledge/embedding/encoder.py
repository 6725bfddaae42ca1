"""Texts to vectors: unit length, 384 numbers, on the CPU."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from copilot_knowledge.embedding.shape import WIDTH
from copilot_knowledge.embedding.weights import (
    NoWeights,
    WeightFiles,
    find_weights,
    read_weights,
)

GRAPH = Path(__file__).with_name("encoder.onnx")
LONGEST = 256  # tokens; the rest of a text is not seen
BATCH = 8

Vectors = NDArray[np.float32]


class Encoder:
    """The encoder over its weights; may be used from several threads.

    Vectors depend a little (cosine 0.99) on the texts they are made beside: store them, and never
    make them again to compare.
    """

    def __init__(self, files: WeightFiles, threads: int) -> None:
        import onnxruntime as ort
        from tokenizers import Tokenizer

        weights = read_weights(files.weights)
        self._tokenizer = Tokenizer.from_str(_read_tokenizer(files.tokenizer))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(LONGEST)
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # The language model shares the cores: threads that spin would take them from it.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._given = [ort.OrtValue.ortvalue_from_numpy(array) for array in weights.values()]
        options.add_external_initializers(list(weights), self._given)
        self._session = ort.InferenceSession(GRAPH, options, providers=["CPUExecutionProvider"])
        self._lock = Lock()

    @classmethod
    def open(cls, threads: int | None = None) -> "Encoder":
        """The encoder of the installed package; raises NoWeights when there is none."""
        return cls(find_weights(), threads or min(os.cpu_count() or 1, 4))

    def encode(
        self, texts: Sequence[str], on_progress: Callable[[float], None] | None = None
    ) -> Vectors:
        """One vector a text, in the order given."""
        vectors = np.zeros((len(texts), WIDTH), np.float32)
        encoded = self._tokenizer.encode_batch_fast(list(texts))
        order = sorted(range(len(texts)), key=lambda place: len(encoded[place].ids))
        for start in range(0, len(order), BATCH):
            places = order[start : start + BATCH]
            vectors[places] = self._run([encoded[place].ids for place in places])
            if on_progress:
                on_progress(min(start + BATCH, len(order)) / len(order))
        return vectors

    def _run(self, tokens: Sequence[Sequence[int]]) -> Vectors:
        longest = max(map(len, tokens))
        ids = np.zeros((len(tokens), longest), np.int64)
        mask = np.zeros((len(tokens), longest), np.int32)
        for row, some in enumerate(tokens):
            ids[row, : len(some)] = some
            mask[row, : len(some)] = 1
        with self._lock:
            (made,) = self._session.run(None, {"ids": ids, "mask": mask})
        return np.asarray(made, np.float32)


def _read_tokenizer(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NoWeights(f"{file} cannot be read: {error}") from None


class LazyEncoder:
    """An encoder that is loaded by the first text: many processes never need it."""

    def __init__(self, files: WeightFiles, threads: int = 1) -> None:
        self._files = files
        self._threads = threads
        self._loading = Lock()
        self._encoder: Encoder | None = None

    def encode(
        self, texts: Sequence[str], on_progress: Callable[[float], None] | None = None
    ) -> Vectors:
        """As Encoder; raises NoWeights when the files are not the published ones."""
        with self._loading:
            if self._encoder is None:
                self._encoder = Encoder(self._files, self._threads)
        return self._encoder.encode(texts, on_progress)
