"""What was typed into a terminal or given as an argument: text, or a clear refusal."""

from copilot_tools.display import is_unseen
from copilot_tools.errors import Retry


def check_text(text: str) -> str:
    """The same text; raises Retry where it cannot be stored as UTF-8, or seen as it is stored."""
    if any(map(is_unseen, text)):
        raise Retry("what was given holds bytes or characters that cannot be shown; type it again")
    return text
