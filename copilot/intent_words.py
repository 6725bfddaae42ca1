"""The words by which a request for a change is told from a question; plain English of a plant.

Each pattern is a list of alternatives, one a line. New ways of saying something belong here, with a
test in tests/unit/test_intent.py.
"""

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _alternatives(text: str, before: str = r"\b", after: str = r"\b") -> re.Pattern[str]:
    lines = [line.strip() for line in text.strip().splitlines()]
    return re.compile(f"{before}(?:{'|'.join(lines)}){after}")


CHANGES = _words(
    """
    set adjust update change modify raise increase lower reduce decrease drop bump crank turn dial
    knock push cut tweak limit ramp start stop halt kill shut open close reset restart enable
    disable switch bring move create submit schedule arrange book reserve earmark assign hold block
    quarantine segregate order reorder buy purchase procure request replenish restock ack ackd acked
    acknowledge quit confirm silence mute stick bung chuck nab bag put place log enter replace
    unlock bypass bridge override skip approve release
    """
)
NO_SLIPS = _words("stock state stuck plant ahead planet older")  # a letter away, and not meant

# With the words below, these verbs name something to look at: "open work orders", "stop reasons".
ADJECTIVES = _words(
    """
    open close hold stop start set order change reset request block log plan book limit reserve
    place switch purchase update release
    """
)
THINGS = _words(
    """
    wo wos work wrok jobs jbos orders ordres tickets items requests alarms purchase production
    maintenance po pos status reasons reason times time checklist cause causes list points point
    history rate backlog notifications or and is of trend curve procedure
    """
)

ORDERS = _alternatives(
    r"""
    (on|in|under) (quality )?hold\b
    be (held|blocked|stopped|started|closed|opened|reset|ordered|reserved|raised|lowered)\b
    be (acknowledged|confirmed)\b
    as (acknowledged|blocked|held|confirmed|seen)\b
    (get|have|need|want|like)\b.*\b(ordered|reserved|purchased|booked|put aside|put by)\b
    (get|have|need|want|like)\b.*\b(done|checked|stopped|started)\b
    make\b(?!.*\b(graph|chart|list|plot|table|overview|report|noise|layers|caps)\b)
    (keep|save|grab|pull)\b.*\b(aside|back|for (me|us|the)|from (the )?stores?|from stock)\b
    get (someone|somebody|maintenance|a fitter)\b
    tell (maintenance|purchasing|the fitters) (to|we)\b
    give\b.*\b(reset|stop|start)\b
    (take|pull|get)\b.*\b(off|out of service|hold|offline)\b
    (open|switch|turn|shut|fire|start)\w* (up|on|off|down)\b
    (clear|reset) (the )?(fault|alarm|trip)
    run\b(?! ?(time|hours?))
    (wo|work ?order|job|ticket|notification)\s*(for|on|to|:|,|$)
    (pr|purchase req(uest)?|reservation)\b
    on order\b
    new value\b
    dial in\b
    mind \w+ing\b
    we (go|should be) (to|at) \d
    to \d[\d.,]*$
    at \d[\d.,]*$
    """,
    after="",
)
UNITS = (
    r"(?:rpm|hz|m?bar|psi|[km]?pa|%|percent|°c|degc|degrees|kw|mw|nm|mm/s|m/s|m/min|m3/h|l/min|"
    r"bpm|amps|a|v|kg|g|ml|l|c)(?![\w/])"
)
# A value with its unit, said of something or at the end: "hvac 2 speed 51 Hz".
VALUE = re.compile(
    rf"(?:(?:\b(?:to|at|of|on|by)|=|:)\s+|(?=[^ ]* ?[^ ]*$))(?<![\w.])\d+(?:[.,]\d+)?\s*{UNITS}"
)
STATES = _alternatives("is|are|was|were|has|reads|shows|above|below|over|under|than|since|in")
URGES = _alternatives(
    "please|pls|plz|must|should|needs? to|want to|asap|now|ready to|to be|copilot|request|task|job"
    "|urgent"
)
LOOKS = _alternatives(
    "show|list|display|plot|draw|trend|graph|tell|give me|gimme|read|check|find|look|search|see|"
    "compare|explain|say|print|write|describe|which|stock|price|status",
    before="^",
)
FILLERS = _alternatives(
    r"""
    p[le]{3,4}ase|please|plese|plaese|pleaes|pleease|pelase|pls|plz|kindly
    ok|okay|oh|ah|uh|um|ehm|er|hey|hi|hello|well|right|alright|all right|good|great|thanks|mate
    now|nwo|and|adn|then|also|so|but|or|first|after|next|finally|just|to|you(?! can)
    yes|yeah|no|nah|wait|sorry|actually|maybe|go on|never ?mind
    if (it|that|this)('s| is) (ok|okay|fine|possible|safe|needed|necessary)
    if (possible|needed|necessary|so|not|yes)
    if you (can|could|don't mind|like|would)
    """,
    before="^",
    after=r"\b[\s,:]*",
)
POLITE = _alternatives(
    r"""
    (can|could|would|will|may) (you|u|ya|someone|somebody|anyone)\b(?! (tell|show|explain|say|give me|list|see|look|check|find))( please| kindly| also)*
    you can
    (can|could|may) (i|we) (please )?(get|have)(?=.*\b(ordered|reserved|purchased|booked|aside)\b)
    (can|could) (?=.* be \w+ed\b.*\b(please|pls)\b)
    is it possible (for you )?to(?= (reserve|order|book|buy|put|set)\b)
    (i|we)('d| would)? (like|want|need) (you )?to(?! (know|see|ask|understand|check|look|have a))
    let'?s|let us
    (i|we) (must|have to|should) (?=(order|reserve|hold|block|stop)\b)
    """,  # noqa: E501
    before="^",
)
QUESTIONS = _alternatives(
    r"""
    what|whats|wat|waht|which|wich|who|whos|whose|when|wehn|where|why|how|hwo|hows|whether
    is|are|was|were|am|do(?! the)|does|did|can|could|should|shall|would|will|may|might|must
    ha(s|ve|d)(?= (i|we|you|they|he|she|it|the|any\w*|some\w*|there|all|both|an?|my|our|th\w+)\b)
    any|anything|anybody|owt|suppose|imagine|wonder|i wonder|not sure
    if (i|we|one|somebody|someone)
    """,
    before="^",
)
# After these, what follows an "and" is still part of the question: "if I stop it and start P-2".
DELIBERATES = _alternatives(
    r"""
    (if|do|does|did|should|shall|can|could|must|may|will|would|to|when) (i|we|you|they|he|she|it)\b
    (if|do|does|did|should|shall|can|could|must|may|will|when) (one|some\w+|any\w+|th(e|is|at))\b
    who(se|'s)?\b
    how (to|d'you|i|we|you)\b
    (safe|allowed|ok|okay|possible|necessary) to\b
    happens?\b
    (was|were|has|have|had) (the|it|they|some\w+|any\w+)\b
    """,
    after="",
)
NEGATIONS = _alternatives(
    r"""
    don'?t|do not|never|no need to|not|nothing|without|instead of|rather than|won'?t|can'?t|cannot
    nobody|before (i|we)
    """,
    after=r" (?:\w+ ){0,2}?[\w'-]+",
)
POSTPONES = _alternatives(r"(may|might|must|will|want to|going to)\b.*\b(later|tomorrow|yet)")
CLOSES = _alternatives(
    "thanks?|thank you|cheers|ta|bye|never ?mind|forget (it|that)|cancel|no|nope|"
    "that('s| is| was) (all|it|everything)",
    before="^",
)
QUOTATION = re.compile(r"\"[^\"]*\"|“[^”]*”|„[^“”]*[“”]|«[^»]*»")
SENTENCE_END = re.compile(r"(?<=[.!?;\n])(?:\s+|$)|\n")
CLAUSE_END = re.compile(r"\s*(?:,|:| - | – | / |&|\b(?:but|then|and|adn|or)\b)\s*")
