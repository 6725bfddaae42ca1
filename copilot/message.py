"""What a user typed, made fit to plan from: printable text of a sane length, or a clear refusal."""

import unicodedata

from copilot_tools.errors import Retry

LONGEST = 4000


def clean_message(text: str) -> str:
    """The message without control characters; raises Retry when nothing to plan from is left."""
    kept = "".join(
        " " if letter.isspace() else letter
        for letter in text
        if letter.isspace() or unicodedata.category(letter)[0] != "C"
    )
    words = " ".join(kept.split())
    if not any(letter.isalnum() for letter in words):
        raise Retry("There is nothing to answer in that message; please type a question.")
    if len(words) > LONGEST:
        raise Retry(
            f"That message has {len(words):,} characters; please ask in at most {LONGEST:,}."
        )
    return words
