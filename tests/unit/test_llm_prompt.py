import hashlib
import json
from importlib import resources

from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

from copilot.llm.prompt import PlannedTurn, assistant_text, plan_messages, system_text
from copilot_tools.catalogue import CATALOGUE
from copilot_tools.tool import Call

# Of the text in every training example; another one needs another adapter.
TRAINED_SYSTEM = "109fd0abd17a55c50912b48491d9d920a054af288db07fa0639ed52d30080a3a"


def test_the_system_text_is_the_one_the_adapter_was_trained_on():
    digest = hashlib.sha256(system_text(CATALOGUE).encode()).hexdigest()
    assert digest == TRAINED_SYSTEM


def test_an_earlier_turn_is_its_calls_and_what_the_answer_mentioned():
    turn = PlannedTurn(
        "any alarms on the pump?",
        (Call("list_alarms", {"asset": "pump", "active_only": True}),),
        ("A-7 low flow", "A-9\nhigh  level"),
    )
    expected = '[{"tool":"list_alarms","asset":"pump","active_only":true}]'
    assert assistant_text(turn) == f"{expected} -> A-7 low flow; A-9 high level"


def test_a_turn_without_mentions_is_its_calls_alone():
    turn = PlannedTurn("hello", (Call("reply", {"kind": "greeting"}),))
    assert assistant_text(turn) == '[{"tool":"reply","kind":"greeting"}]'


def test_numbers_are_written_as_in_training():
    whole = PlannedTurn("", (Call("write_setpoint", {"value": 1450.0}),))
    broken = PlannedTurn("", (Call("write_setpoint", {"value": 1.5}),))
    assert assistant_text(whole) == '[{"tool":"write_setpoint","value":1450}]'
    assert assistant_text(broken) == '[{"tool":"write_setpoint","value":1.5}]'


def test_at_most_twelve_names_are_mentioned():
    turn = PlannedTurn("", (Call("find_assets", {}),), tuple(f"M-{n}" for n in range(40)))
    assert assistant_text(turn).endswith("; M-11")


def test_letters_of_other_languages_stay_letters():
    turn = PlannedTurn("", (Call("read_signals", {"asset": "Rührwerk"}),))
    assert '"asset":"Rührwerk"' in assistant_text(turn)


def test_messages_go_from_what_never_changes_to_what_is_new():
    turn = PlannedTurn("where is M-1?", (Call("find_assets", {"query": "M-1"}),), ("M-1 Mixer",))
    messages = plan_messages(CATALOGUE, [turn], "and\tits\n speed? ")
    assert [type(m) for m in messages] == [SystemMessage, HumanMessage, AIMessage, HumanMessage]
    assert messages[-1].content == "and its speed?"


def test_a_turn_that_led_to_no_call_is_not_shown():
    messages = plan_messages(CATALOGUE, [PlannedTurn("??", ())], "hello")
    assert [m.content for m in messages[1:]] == ["hello"]


def test_of_a_long_conversation_the_newest_turns_are_shown():
    shown = [len(_earlier_users(turns)) for turns in range(12)]
    assert max(shown) <= 4
    assert all(_earlier_users(n)[-1:] == [str(n - 1)] for n in range(1, 12))


def test_most_turns_of_a_long_conversation_begin_where_the_one_before_began():
    """Else the model would have to read everything again at every turn."""
    first = [_earlier_users(turns)[0] for turns in range(4, 40)]
    kept = sum(here == before for here, before in zip(first[1:], first[:-1], strict=True))
    assert kept >= 0.6 * len(first)


@given(st.lists(st.tuples(st.text(), st.lists(st.text(), max_size=3)), max_size=8), st.text())
def test_the_system_text_never_depends_on_the_conversation(turns, text):
    history = [PlannedTurn(u, (Call("reply", {"kind": "help"}),), tuple(m)) for u, m in turns]
    messages = plan_messages(CATALOGUE, history, text)
    assert messages[0] == plan_messages(CATALOGUE, (), "")[0]


def test_the_history_form_is_that_of_the_planner_cases():
    """The cases hold the literal training form; writing a parsed turn gives it back."""
    lines = resources.files("copilot_evals").joinpath("cases/planner.jsonl").read_text("utf-8")
    contents = [
        message["content"]
        for line in lines.splitlines()
        for message in json.loads(line)["history"]
        if message["role"] == "assistant"
    ]
    assert contents
    for content in contents:
        calls, end = json.JSONDecoder().raw_decode(content)
        rest = content[end:].removeprefix(" -> ")
        turn = PlannedTurn(
            "",
            tuple(Call(c["tool"], {k: v for k, v in c.items() if k != "tool"}) for c in calls),
            tuple(rest.split("; ")) if rest else (),
        )
        assert assistant_text(turn) == content


def _earlier_users(turns: int) -> list[str]:
    history = [PlannedTurn(str(n), (Call("reply", {"kind": "help"}),)) for n in range(turns)]
    return [m.text for m in plan_messages(CATALOGUE, history, "now")[1:-1] if m.type == "human"]
