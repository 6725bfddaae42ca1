"""Text from documents is data: what could steer a model or deceive a reader is made plain here."""

import re
import unicodedata

_CHAT_TOKEN = re.compile(
    # White space is counted: a run of it without end would be tried in every way.
    r"<\s{0,8}\|([^|<>\n]{1,56})\|\s{0,8}>"
    r"|<\s{0,8}(/?\s{0,8}(?:start_of_turn|end_of_turn|s|bos|eos|unk|pad))\s{0,8}>"
    r"|<<\s{0,8}(/?\s{0,8}SYS)\s{0,8}>>"
    r"|\[\s{0,8}(/?\s{0,8}INST)\s{0,8}\]",
    re.IGNORECASE,
)
_LINE_ENDS = re.compile(r"\r\n?|[\u2028\u2029\x0b\x0c]")
_HIDDEN = frozenset({"Cc", "Cf", "Co", "Cs", "Cn"})


def neutralise(text: str) -> str:
    """Document text without control and zero-width characters and without chat-control tokens.

    "<|im_start|>" becomes "(im_start)": still readable, no longer a token.
    """
    text = _LINE_ENDS.sub("\n", unicodedata.normalize("NFC", text))
    text = "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in _HIDDEN)
    return _CHAT_TOKEN.sub(_spell_out, text)


def one_line(text: str) -> str:
    """Neutral text with every run of white space as one blank."""
    return " ".join(neutralise(text).split())


def _spell_out(match: re.Match[str]) -> str:
    return f"({next(group for group in match.groups() if group).strip()})"
