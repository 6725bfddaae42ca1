"""One llama.cpp model with one context: tokens in, best next token out. Not thread-safe.

The C interface is used directly because `llama_cpp.Llama` redirects the process's stdout while it
loads, keeps logits of a whole batch, and has neither a cheap grammar check nor a stop between
pieces of a prompt.
"""

import ctypes
import logging
from collections.abc import Callable, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

import llama_cpp as llama
import numpy as np
import numpy.typing as npt

from copilot.llm.errors import ModelFailed, ModelMissing

CONTEXT = 2048
# Tokens read at once: a stop is noticed between two pieces, about 0.4 s apart on one slow core.
PIECE = 128
# How many of the likeliest tokens are tried one by one before the grammar filters all of them.
LIKELIEST = 64

_log = logging.getLogger("copilot.llm.llama")


@llama.llama_log_callback  # type: ignore[untyped-decorator]
def _forward_log(level: int, text: bytes, _: object) -> None:
    _log.debug(text.decode("utf-8", "replace").rstrip())


class Engine:
    """A loaded model; `tokens` are those its context holds."""

    def __init__(self, path: Path, *, context: int = CONTEXT, threads: int = 1) -> None:
        quieten()
        self.tokens: list[int] = []
        self.context = context
        self._grammars: dict[str, Any] = {}
        self._model = llama.llama_model_load_from_file(
            str(path).encode(), llama.llama_model_default_params()
        )
        if not self._model:
            raise ModelMissing(f"{path} cannot be loaded; delete it and start again")
        self._context = llama.llama_init_from_model(self._model, _parameters(context, threads))
        if not self._context:
            llama.llama_model_free(self._model)
            raise ModelFailed("there is not enough memory for its context")
        self._vocabulary = llama.llama_model_get_vocab(self._model)
        self._memory = llama.llama_get_memory(self._context)
        self._size = llama.llama_vocab_n_tokens(self._vocabulary)

    def close(self) -> None:
        """Free the model; the engine cannot be used afterwards."""
        for grammar in self._grammars.values():
            llama.llama_sampler_free(grammar)
        llama.llama_free(self._context)
        llama.llama_model_free(self._model)

    def set_threads(self, threads: int) -> None:
        """How many threads read and write from now on."""
        llama.llama_set_n_threads(self._context, threads, threads)

    def tokenize(self, text: str, *, special: bool = False) -> list[int]:
        """The tokens of a text; control tokens spelled in it stay plain text unless `special`."""
        encoded = text.encode()
        room = len(encoded) + 1
        tokens = (llama.llama_token * room)()
        count = llama.llama_tokenize(
            self._vocabulary, encoded, len(encoded), tokens, room, False, special
        )
        return list(tokens[:count])

    def piece(self, token: int) -> bytes:
        """The bytes of a token, which may be part of a letter only."""
        room = 256
        buffer = ctypes.create_string_buffer(room)
        count = llama.llama_token_to_piece(self._vocabulary, token, buffer, room, 0, True)
        return buffer.raw[: max(count, 0)]

    def is_control(self, token: int) -> bool:
        """Whether a token speaks to the model instead of being text."""
        return bool(llama.llama_vocab_is_control(self._vocabulary, token))

    def shared(self, tokens: Sequence[int]) -> int:
        """How many of these tokens, from the first on, the context holds already."""
        pairs = zip(self.tokens, tokens, strict=False)
        return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))

    def read(self, tokens: Sequence[int], checkpoint: Callable[[], None] = lambda: None) -> int:
        """Make the context hold exactly these tokens; returns how many had to be read.

        `checkpoint` is called between pieces and may raise to stop. Raises ModelFailed when they
        are too many.
        """
        self._require_room(len(tokens))
        kept = min(self.shared(tokens), len(tokens) - 1)
        self._keep(kept)
        for start in range(kept, len(tokens), PIECE):
            checkpoint()
            self.append(tokens[start : start + PIECE])
        return len(tokens) - kept

    def append(self, tokens: Sequence[int]) -> None:
        """Read some more tokens; raises ModelFailed when they cannot be read."""
        self._require_room(len(self.tokens) + len(tokens))
        array = (llama.llama_token * len(tokens))(*tokens)
        status = llama.llama_decode(self._context, llama.llama_batch_get_one(array, len(tokens)))
        if status != 0:
            self._keep(0)
            raise ModelFailed(f"reading failed (llama.cpp status {status})")
        self.tokens.extend(tokens)

    def constraint(self, gbnf: str) -> "Constraint":
        """The grammar, ready to start; raises ModelFailed when it does not compile."""
        if gbnf not in self._grammars:
            grammar = llama.llama_sampler_init_grammar(self._vocabulary, gbnf.encode(), b"root")
            if not grammar or not gbnf:  # llama.cpp takes an empty grammar for none at all
                raise ModelFailed("the grammar of its answers does not compile")
            self._grammars[gbnf] = grammar
        grammar = self._grammars[gbnf]
        llama.llama_sampler_reset(grammar)
        return Constraint(grammar, llama.llama_vocab_eos(self._vocabulary))

    def logits(self) -> npt.NDArray[np.float32]:
        """How likely each token comes next; valid until the next tokens are read."""
        row = llama.llama_get_logits_ith(self._context, -1)
        return np.ctypeslib.as_array(row, shape=(self._size,))

    def save_state(self) -> bytes:
        """What the context knows about its tokens."""
        room = llama.llama_state_seq_get_size(self._context, 0)
        buffer = (ctypes.c_uint8 * room)()
        count = llama.llama_state_seq_get_data(self._context, buffer, room, 0)
        return memoryview(buffer)[:count].tobytes()

    def restore_state(self, tokens: Sequence[int], state: bytes) -> bool:
        """Make the context hold these tokens from their saved state; False when it does not fit."""
        self._keep(0)
        buffer = (ctypes.c_uint8 * len(state)).from_buffer_copy(state)
        restored = llama.llama_state_seq_set_data(self._context, buffer, len(state), 0)
        last = llama.llama_memory_seq_pos_max(self._memory, 0)
        if not restored or last != len(tokens) - 1:
            self._keep(0)
            return False
        self.tokens = list(tokens)
        return True

    def _require_room(self, tokens: int) -> None:
        if tokens > self.context:
            raise ModelFailed("the conversation does not fit its context")

    def _keep(self, count: int) -> None:
        llama.llama_memory_seq_rm(self._memory, 0, count, -1)
        del self.tokens[count:]


class Constraint:
    """A compiled grammar and how far an answer has got in it."""

    def __init__(self, grammar: Any, end: int) -> None:
        self._grammar = grammar
        self._end = end

    def allows(self, token: int) -> bool:
        """Whether the token may come next."""
        return bool(self._filter(np.array([token]))[0])

    def accept(self, token: int) -> None:
        """Go on with an allowed token."""
        llama.llama_sampler_accept(self._grammar, token)

    @property
    def finished(self) -> bool:
        """Whether the answer may end here."""
        return self.allows(self._end)

    def best(self, logits: npt.NDArray[np.float32]) -> int:
        """The likeliest token that is allowed; raises ModelFailed when none is.

        Checking one token takes microseconds, filtering the whole vocabulary a tenth of a second.
        """
        token = int(logits.argmax())
        if self.allows(token):
            return token
        likeliest = np.argpartition(-logits, LIKELIEST)[:LIKELIEST]
        for token in likeliest[np.argsort(-logits[likeliest])]:
            if self.allows(int(token)):
                return int(token)
        allowed = self._filter(np.arange(len(logits)))
        if not allowed.any():
            raise ModelFailed("its grammar has no way on")
        return int(np.where(allowed, logits, -np.inf).argmax())

    def _filter(self, tokens: npt.NDArray[np.int_]) -> npt.NDArray[np.bool_]:
        data = (llama.llama_token_data * len(tokens))()
        rows = np.ctypeslib.as_array(data)
        rows["id"] = tokens
        candidates = llama.llama_token_data_array(
            data=ctypes.cast(data, ctypes.POINTER(llama.llama_token_data)),
            size=len(tokens),
            selected=-1,
            sorted=False,
        )
        llama.llama_sampler_apply(self._grammar, ctypes.byref(candidates))
        kept: npt.NDArray[np.bool_] = np.isfinite(rows["logit"])
        return kept


def quieten() -> None:
    """Send llama.cpp's messages to the log instead of the terminal."""
    llama.llama_log_set(_forward_log, ctypes.c_void_p(0))
    llama.llama_backend_init()


def _parameters(context: int, threads: int) -> Any:
    parameters = llama.llama_context_default_params()
    parameters.n_ctx = context
    parameters.n_batch = parameters.n_ubatch = PIECE
    parameters.n_outputs_max = 1
    parameters.n_threads = parameters.n_threads_batch = threads
    # On a CPU plain attention reads short messages a quarter faster than flash (measured).
    parameters.flash_attn_type = llama.LLAMA_FLASH_ATTN_TYPE_DISABLED
    parameters.no_perf = True
    return parameters
