"""Merge a LoRA adapter into its base model and quantise the result to Q8_0."""

import ctypes
import os
from collections.abc import Callable
from pathlib import Path

import llama_cpp as llama
import numpy as np
from gguf import GGUFReader

from copilot.llm.engine import quieten
from copilot.llm.errors import ModelFailed


def merge(base: Path, adapter: Path, target: Path, progress: Callable[[float], None]) -> None:
    """Write base + adapter as one GGUF to `target`, safely on disk when this returns.

    Raises ModelFailed when llama.cpp cannot convert; OSError when a file cannot be written.
    """
    quieten()
    plain = target.with_suffix(".f16.draft")
    try:
        _quantize(base, plain, llama.LLAMA_FTYPE_MOSTLY_F16)
        progress(0.3)
        _add_adapter(plain, adapter)
        progress(0.8)
        _quantize(plain, target, llama.LLAMA_FTYPE_MOSTLY_Q8_0)
        with target.open("r+b") as file:
            os.fsync(file.fileno())
    finally:
        plain.unlink(missing_ok=True)


def _quantize(source: Path, target: Path, kind: int) -> None:
    parameters = llama.llama_model_quantize_default_params()
    parameters.ftype = kind
    parameters.allow_requantize = True
    parameters.nthread = min(os.cpu_count() or 1, 4)
    status = llama.llama_model_quantize(
        str(source).encode(), str(target).encode(), ctypes.byref(parameters)
    )
    if status != 0:
        raise ModelFailed(f"{source.name} could not be converted; is the disk full?")


def _add_adapter(model: Path, adapter: Path) -> None:
    """Add scale * B A to every weight the adapter changes, in place (LoRA, Hu et al. 2021)."""
    factors = GGUFReader(adapter)
    alpha = float(factors.fields["adapter.lora.alpha"].contents())
    change = {tensor.name: tensor.data for tensor in factors.tensors}
    weights = GGUFReader(model, "r+")
    for tensor in weights.tensors:
        if f"{tensor.name}.lora_a" in change:
            a = change[f"{tensor.name}.lora_a"].astype(np.float32)
            b = change[f"{tensor.name}.lora_b"].astype(np.float32)
            tensor.data[:] = tensor.data + alpha / len(a) * (b @ a)
    weights.data.flush()
