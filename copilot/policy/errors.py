"""Why a policy, or a table of cases for one, cannot be used."""


class PolicyError(Exception):
    """The file cannot be used; the message says where, why and how to mend it."""
