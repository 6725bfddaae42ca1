"""Answers that look nothing up: small talk, a question back, a refusal, what can be asked."""

from typing import Literal

from copilot_tools.facts import Findings
from copilot_tools.plant import Plant
from copilot_tools.tool import Risk, Text, tool

LONGEST_QUESTION = 120

_GREETING = "Hello. Ask me about a machine, an alarm, an order, a part or a procedure."
_CLARIFY = "Which machine or line do you mean, and what about it?"
_DECLINE = (
    "I can't help with that. I answer questions about this plant, and I never bypass safety, "
    "approvals or interlocks."
)
_HELP = """\
You can ask, in your own words, for:
- live values and trends: "how is the feed pump doing", "its flow over the last hours"
- alarms, and which machines run or stand still
- whether a machine behaves abnormally, how long a part will last, why something happened
- camera inspections: rejects, yield, defects by line, batch or product
- manuals: procedures, fault codes, torques, lubricants, safety
- spare parts, work orders, production and purchase orders, OEE and downtime
You can also ask for a change (a setpoint, a command, a work order): where the site allows it and
you are signed in, it is proposed, and people decide."""


@tool(risk=Risk.TALK, purpose="no tool: small talk, missing detail, out of scope or unsafe")
async def reply(
    plant: Plant,
    kind: Literal["greeting", "clarify", "decline", "help"],
    text: Text | None = None,
) -> Findings:
    """Fixed words of ours; of the model's own words only a short question without numbers."""
    match kind:
        case "greeting":
            return Findings(_GREETING)
        case "decline":
            return Findings(_DECLINE)
        case "help":
            return Findings(_HELP)
    return Findings(text if text is not None and _is_plain_question(text) else _CLARIFY)


def _is_plain_question(text: str) -> bool:
    """Whether words of the model may be shown: a question, short, and stating no number."""
    return (
        len(text) <= LONGEST_QUESTION
        and text.endswith("?")
        and not any(letter.isdigit() for letter in text)
    )
