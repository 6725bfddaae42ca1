"""Writing one answer: read the prompt, then take the likeliest allowed token until complete."""

import codecs
from collections.abc import Callable
from dataclasses import dataclass

from copilot.llm.engine import Constraint, Engine
from copilot.llm.errors import ModelFailed
from copilot.llm.grammar import Grammar
from copilot.llm.prefix_cache import PrefixCache
from copilot.llm.tokens import Prompt

Checkpoint = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Written:
    """What the model wrote; `read` of the `prompt` tokens were not known from before."""

    text: str
    complete: bool
    prompt: int
    read: int
    tokens: int


def prime(engine: Engine, prefixes: PrefixCache, prompt: Prompt, checkpoint: Checkpoint) -> int:
    """Know the stable part of a prompt, from its saved state if there is one; tokens read."""
    stable = prompt.tokens[: prompt.stable]
    if not stable or engine.shared(stable) == len(stable):
        return 0
    state = prefixes.load(stable)
    if state is not None and engine.restore_state(stable, state):
        return 0
    read = engine.read(stable, checkpoint)
    prefixes.save(stable, engine.save_state())
    return read


def write(
    engine: Engine,
    prefixes: PrefixCache,
    prompt: Prompt,
    grammar: Grammar,
    most_tokens: int,
    checkpoint: Checkpoint,
    emit: Callable[[str], None] = lambda text: None,
) -> Written:
    """The likeliest answer that the grammar admits, up to the first point where it may end.

    `checkpoint` is called before every step and may raise to stop; `emit` gets the text in parts.
    How all answers begin is read together with the prompt, which is faster than writing it.
    """
    read = prime(engine, prefixes, prompt, checkpoint)
    constraint = engine.constraint(grammar.gbnf)
    tokens = _open(engine, constraint, grammar.opening)
    read += engine.read([*prompt.tokens, *tokens], checkpoint) - len(tokens)
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    text = grammar.opening
    emit(text)
    complete = False
    while not complete and len(tokens) < most_tokens:
        checkpoint()
        token = constraint.best(engine.logits())
        constraint.accept(token)
        tokens.append(token)
        part = decoder.decode(engine.piece(token))
        text += part
        emit(part)
        complete = constraint.finished
        if not complete:
            engine.append([token])
    return Written(text, complete, len(prompt.tokens), read, len(tokens))


def _open(engine: Engine, constraint: Constraint, opening: str) -> list[int]:
    tokens = engine.tokenize(opening)
    for token in tokens:
        if not constraint.allows(token):
            raise ModelFailed("its grammar does not admit how its answers begin")
        constraint.accept(token)
    return tokens
