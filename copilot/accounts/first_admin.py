"""The first administrator: made at the first start, with a password that is good for once."""

from secrets import choice

from copilot.accounts.accounts import Accounts
from copilot.actor import EVERYWHERE, Role
from copilot_tools.errors import Retry

NAME = "admin"
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that is taken for another one
GROUPS, GROUP = 5, 4  # 99 bits


def ensure_administrator(accounts: Accounts) -> tuple[str, str] | None:
    """The name and the one-time password of an administrator made now; None when there is one.

    Who signs in with it has to choose a password of their own before anything else.
    """
    if accounts.governed():
        return None
    taken = {account.name for account in accounts.list()}
    names = (NAME, *(f"{NAME}-{number}" for number in range(2, len(taken) + 3)))
    name = next(name for name in names if name not in taken)
    password = "-".join("".join(choice(LETTERS) for _ in range(GROUP)) for _ in range(GROUPS))
    try:
        accounts.add(name, Role.ADMIN, [EVERYWHERE], password, by="system", must_change=True)
    except Retry:  # another server on the same database was quicker
        return None
    return name, password
