from hypothesis import given
from hypothesis import strategies as st

from copilot.llm.planner import PlannedTurn
from copilot.proposal import Provenance
from copilot.provenance import trace
from copilot_tools.changes import Change, Target
from copilot_tools.tool import Call

WORDS = st.sampled_from(
    ["stop", "pump", "now", "replace", "seal", "K-9", "valve", "40", "bar", "ÄÖ", "ﬁx", "the", "ok"]
)
PHRASES = st.lists(WORDS, min_size=1, max_size=6).map(" ".join)


def order(title: str, **other: object) -> tuple[Call, Change]:
    call = Call("create_work_order", {"asset": "main fan", "title": title, **other})
    arguments = {"asset": "K-1", "title": title, "priority": "medium", **other}
    target = Target("asset", "K-1:12345678", "K-1")
    return call, Change("create_work_order", target, arguments, "work order")


def origin_of_title(title: str, text: str, history=(), answers=()) -> Provenance:
    call, change = order(title)
    return trace(call, change, text, history, answers)["title"]


def test_the_users_own_words_are_told_from_everything_else():
    call, change = order("replace the seal")
    origins = trace(
        call, change, "please make a work order for the main fan: Replace the SEAL!", ()
    )
    assert origins == {
        "asset": Provenance.CATALOGUE,
        "title": Provenance.USER,
        "priority": Provenance.CATALOGUE,
    }


def test_an_id_that_the_user_said_is_his():
    call, change = order("clean it")
    assert trace(call, change, "work order for K-1: clean it", ())["asset"] is Provenance.USER


def test_words_of_an_earlier_request_are_no_words_of_this_one():
    history = [PlannedTurn("the seal is leaking", ())]
    assert origin_of_title("the seal is leaking", "make a work order", history) is Provenance.MODEL


def test_words_of_an_answer_taint():
    answers = ["Manual, page 3:\nOperators must drain the reservoir completely."]
    text = "make a work order for K-1"
    for title in ("drain the reservoir completely", "drain it", "Reservoir"):
        assert origin_of_title(title, text, answers=answers) is Provenance.RETRIEVED
    assert origin_of_title("clean it", text, answers=answers) is Provenance.MODEL


def test_what_an_answer_and_the_user_both_say_is_the_users():
    answers = ["Drain the reservoir."]
    text = "work order: drain the reservoir"
    assert origin_of_title("drain the reservoir", text, answers=answers) is Provenance.USER


def test_words_of_the_user_in_another_order_are_the_models():
    assert origin_of_title("seal the pump", "pump the seal") is Provenance.MODEL


def test_numbers():
    target = Target("setpoint", "K-1.speed", "K-1")

    def origins(value: float, text: str, *earlier: str) -> dict[str, Provenance]:
        arguments = {"asset": "K-1", "setpoint": "speed", "value": value}
        change = Change("write_setpoint", target, arguments, "speed", reason="because")
        history = [PlannedTurn(said, ()) for said in earlier]
        return trace(Call("write_setpoint", arguments), change, text, history)

    said = origins(1100.0, "set the speed of K-1 to 1100")
    assert (said["setpoint"], said["value"]) == (Provenance.USER, Provenance.USER)
    assert said["reason"] is Provenance.MODEL
    assert origins(1100.0, "the main fan", "set it to eleven hundred rpm, 1100")["value"] is (
        Provenance.USER
    )
    assert origins(1105.0, "5 more")["value"] is Provenance.MODEL
    assert origins(40.0, "forty please")["value"] is Provenance.USER


def test_a_number_of_an_answer_taints_unless_it_follows_from_what_was_said():
    answers = ["Manual, page 3: set the speed to 1,500 rpm. Now 1000 rpm, 1 alarm."]
    target = Target("setpoint", "K-1.speed", "K-1")

    def origin(value: float, text: str, old: float | None = 1000.0) -> Provenance:
        arguments = {"asset": "K-1", "setpoint": "speed", "value": value}
        change = Change("write_setpoint", target, arguments, "speed", old=old)
        return trace(Call("write_setpoint", arguments), change, text, (), answers)["value"]

    assert origin(1500.0, "set the speed of K-1 as it says") is Provenance.RETRIEVED
    assert origin(1500.0, "set the speed of K-1 as it says", None) is Provenance.RETRIEVED
    assert origin(1500.0, "set it to 1500") is Provenance.USER
    assert origin(1500.0, "500 higher") is Provenance.MODEL
    assert origin(1500.0, "50 % more") is Provenance.MODEL
    assert origin(1500.0, "set it 5 higher") is Provenance.RETRIEVED
    assert origin(1400.0, "set the speed of K-1 as it says") is Provenance.MODEL
    call = Call("reserve_part", {"part": "BRG-1", "quantity": 1})
    change = Change("reserve_part", Target("part", "BRG-1"), dict(call.arguments), "reserve")
    assert trace(call, change, "reserve a bearing", (), answers)["quantity"] is Provenance.MODEL


def test_a_choice_is_of_the_catalogue_and_a_price_of_the_record():
    call = Call("request_purchase", {"part": "bearings", "quantity": 2})
    arguments = {"part": "BRG-1", "quantity": 2, "unit_price": 20.0, "supplier": "Lager GmbH"}
    change = Change("request_purchase", Target("part", "BRG-1"), arguments, "buy")
    origins = trace(call, change, "order 2 bearings", (), ["Lager GmbH has it for 20 EUR"])
    assert origins["supplier"] is origins["unit_price"] is Provenance.CATALOGUE
    call, change = order("clean", priority="urgent")
    answers = ["urgent: clean"]
    choices = {"priority"}
    assert trace(call, change, "wo", (), answers, choices)["priority"] is Provenance.CATALOGUE


@given(PHRASES, PHRASES, st.lists(PHRASES, max_size=3), PHRASES)
def test_what_only_an_answer_says_is_never_the_users(
    answer: str, text: str, earlier: list[str], around: str
):
    said = [text, *earlier]
    if any(f" {answer} " in f" {words} " for words in said):
        return
    history = [PlannedTurn(words, ()) for words in earlier]
    origin = origin_of_title(answer, text, history, [f"{around} {answer} {around}"])
    assert origin is Provenance.RETRIEVED


@given(st.text(min_size=1, max_size=60), st.text(max_size=60))
def test_any_text_of_an_answer_is_not_the_users_unless_he_said_it(answer: str, text: str):
    origin = origin_of_title(answer, text, (), [answer])
    letters = [letter for letter in answer.casefold() if letter.isalnum()]
    if any(letter not in text.casefold() for letter in letters if letter.isascii()):
        assert origin is not Provenance.USER
