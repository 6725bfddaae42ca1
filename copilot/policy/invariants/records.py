"""What a record of the ERP must say."""

from copilot.policy.invariants.invariant import PURCHASE, STOCK, invariant
from copilot.policy.subject import LARGEST, Subject, number


@invariant("quantity", STOCK)
def quantity(subject: Subject) -> str | None:
    """A quantity is a whole number from 1 to 1,000,000,000."""
    quantity = subject.request.change.arguments.get("quantity")
    if type(quantity) is int and 1 <= quantity <= LARGEST:
        return None
    return "the quantity has to be a whole number, 1 or more"


@invariant("total", PURCHASE)
def total(subject: Subject) -> str | None:
    """A price is known; a purchase is at most 10,000,000.00."""
    arguments = subject.request.change.arguments
    price, currency = number(arguments.get("unit_price")), arguments.get("currency")
    quantity = number(arguments.get("quantity"))
    if price is None or price < 0 or not isinstance(currency, str) or not currency.strip():
        return "the price and its currency are not known"
    if quantity is not None and price * quantity * 100 > LARGEST:
        return f"a purchase of more than {LARGEST / 100:,.2f} {currency} is not for the copilot"
    return None


@invariant("work-order", ("create_work_order",))
def work_order(subject: Subject) -> str | None:
    """A work order has a title and a known priority."""
    title = subject.request.change.arguments.get("title")
    priority = subject.request.change.arguments.get("priority")
    if not isinstance(title, str) or not title.strip():
        return "a work order needs a title"
    if priority not in ("low", "medium", "high", "urgent"):
        return "the priority is low, medium, high or urgent"
    return None
