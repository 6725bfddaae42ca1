"""Writing one answer: read the prompt, then take the likeliest allowed token until complete."""

import codecs
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile

from copilot.llm.engine import Constraint, Engine
from copilot.llm.errors import ModelFailed
from copilot.llm.grammar import Grammar
from copilot.llm.prefix_cache import PrefixCache
from copilot.llm.tokens import Prompt

Checkpoint = Callable[[], None]

# Reading two tokens at once takes longer than writing them one by one, three or more do not.
SHORTEST_RUN = 2


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
    What the grammar leaves no choice about (how all answers begin, the rest of a tool's name and
    its first key) is read in one go instead of written, which is faster.
    """
    read = prime(engine, prefixes, prompt, checkpoint)
    constraint = engine.constraint(grammar.gbnf)
    tokens = _open(engine, constraint, grammar.opening)
    read += engine.read([*prompt.tokens, *tokens], checkpoint) - len(tokens)
    parts = [engine.tokenize(part) for part in grammar.parts]
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    text = grammar.opening
    emit(text)
    complete = False
    while not complete and len(tokens) < most_tokens:
        checkpoint()
        step = [constraint.best(engine.logits())]
        constraint.accept(step[0])
        step += _follow(constraint, _without_choice([*tokens, *step], parts))
        tokens += step
        said = decoder.decode(b"".join(map(engine.piece, step)))
        text += said
        emit(said)
        complete = constraint.finished
        if not complete:
            engine.append(step)
    return Written(text, complete, len(prompt.tokens), read, len(tokens))


def _open(engine: Engine, constraint: Constraint, opening: str) -> list[int]:
    tokens = engine.tokenize(opening)
    if _follow(constraint, tokens) != tokens:
        raise ModelFailed("its grammar does not admit how its answers begin")
    return tokens


def _without_choice(tokens: Sequence[int], parts: Sequence[list[int]]) -> list[int]:
    """What all parts that begin like the newest one go on with, when that is a run of tokens."""
    starts = {part[0] for part in parts}
    begun = next((at for at in reversed(range(len(tokens))) if tokens[at] in starts), None)
    if begun is None:
        return []
    newest = list(tokens[begun:])
    rests = [part[len(newest) :] for part in parts if part[: len(newest)] == newest]
    columns = takewhile(lambda column: len(set(column)) == 1, zip(*rests, strict=False))
    run = [column[0] for column in columns]
    return run if len(run) >= SHORTEST_RUN else []


def _follow(constraint: Constraint, tokens: Sequence[int]) -> list[int]:
    """Accept these tokens up to the first that the grammar does not allow."""
    followed: list[int] = []
    for token in tokens:
        if not constraint.allows(token):
            break
        constraint.accept(token)
        followed.append(token)
    return followed
