"""Pareto order: the largest first, each with its share and the share that all so far add up to."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bar:
    """One cause: its amount, its share of the sum, and the sum before and with it, all in %.

    `length` compares it with the largest one.
    """

    name: str
    amount: float
    length: float
    share: float
    before: float
    up_to: float


def pareto(amounts: Mapping[str, float]) -> list[Bar]:
    """The causes by amount; those without any are left out."""
    counted = sorted(((a, n) for n, a in amounts.items() if a > 0), key=lambda x: (-x[0], x[1]))
    total = sum(amount for amount, _ in counted)
    bars, so_far = [], 0.0
    for amount, name in counted:
        before, so_far = so_far, so_far + amount
        bars.append(
            Bar(
                name=name,
                amount=amount,
                length=100 * amount / counted[0][0],
                share=100 * amount / total,
                before=100 * before / total,
                up_to=100 * so_far / total,
            )
        )
    return bars
