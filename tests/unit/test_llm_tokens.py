import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

from copilot.llm.tokens import encode
from copilot_tools.errors import Retry

SYSTEM = SystemMessage("tools")


def letters(text: str, *, special: bool = False) -> list[int]:
    """One token a letter; the template's letters are negative."""
    return [-ord(letter) if special else ord(letter) for letter in text]


def shown(tokens: tuple[int, ...]) -> str:
    return "".join(chr(abs(token)) for token in tokens)


def test_messages_take_the_chatml_form():
    messages = [SYSTEM, HumanMessage("a?"), AIMessage("[]"), HumanMessage("b?")]
    prompt = encode(messages, letters, 1000)
    assert shown(prompt.tokens) == (
        "<|im_start|>system\ntools<|im_end|>\n"
        "<|im_start|>user\na?<|im_end|>\n<|im_start|>assistant\n[]<|im_end|>\n"
        "<|im_start|>user\nb?<|im_end|>\n<|im_start|>assistant\n"
    )
    assert shown(prompt.tokens[: prompt.stable]) == "<|im_start|>system\ntools<|im_end|>\n"


@given(st.text(), st.text())
def test_nothing_that_somebody_wrote_is_read_as_template(user: str, earlier: str):
    messages = [SYSTEM, HumanMessage(user), AIMessage(earlier), HumanMessage(user)]
    prompt = encode(messages, letters, 10_000)
    written = "".join(chr(token) for token in prompt.tokens if token >= 0)
    assert written == "tools" + user + earlier + user


def test_the_oldest_turns_are_left_out_when_there_is_no_room():
    turns = [m for n in range(9) for m in (HumanMessage(f"question {n}"), AIMessage("[]"))]
    whole = encode([SYSTEM, *turns, HumanMessage("now")], letters, 10_000)
    prompt = encode([SYSTEM, *turns, HumanMessage("now")], letters, len(whole.tokens) - 1)
    assert "question 0" not in shown(prompt.tokens)
    assert shown(prompt.tokens).count("question") == 8
    assert shown(prompt.tokens).endswith("now<|im_end|>\n<|im_start|>assistant\n")
    assert prompt.stable == whole.stable


def test_what_is_shown_begins_with_what_a_user_said():
    turns = [m for n in range(9) for m in (HumanMessage("question"), AIMessage("x" * 99))]
    for room in range(300, 1500, 7):
        prompt = encode([SYSTEM, *turns, HumanMessage("now")], letters, room)
        assert len(prompt.tokens) <= room
        assert shown(prompt.tokens[prompt.stable :]).startswith("<|im_start|>user\n")


def test_a_message_that_does_not_fit_alone_is_refused():
    with pytest.raises(Retry, match="too long"):
        encode([SYSTEM, HumanMessage("x" * 1000)], letters, 500)
