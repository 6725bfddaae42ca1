"""How well the best passages cover a question: enough to answer, not clearly, or not at all.

Measured on the manual cases of copilot_evals (`copilot eval retrieval`), and to be measured again
when ranking or encoder change: the limits do not carry over.
"""

from copilot_knowledge.document import Strength
from copilot_knowledge.identifiers import Lookup

STRONG_COVERAGE = 0.7
WEAK_COVERAGE = 0.5
# With meaning: the mean of coverage and cosine.
STRONG = 0.58
WEAK = 0.46
ALIKE = 0.68  # a passage that means so much the same is shown, whatever its words


def gauge(covered: float, cosine: float | None, codes: Lookup) -> Strength:
    """The strength of an answer whose best passages hold `covered` of the question's weight.

    `cosine` is that of the nearest passage; None where only words are compared.
    """
    evidence, strong, weak = covered, STRONG_COVERAGE, WEAK_COVERAGE
    if cosine is not None:
        evidence, strong, weak = (covered + max(cosine, 0.0)) / 2, STRONG, WEAK
    if codes.unknown:
        return "weak" if evidence >= strong else "none"
    if codes.defining or evidence >= strong:
        return "strong"
    alike = cosine is not None and cosine >= ALIKE
    return "weak" if codes.found or evidence >= weak or alike else "none"
