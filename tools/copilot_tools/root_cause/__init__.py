"""Why something happens: failure modes weighed against all that was recorded, without a model."""

from copilot_tools.root_cause.find import find_root_cause

__all__ = ["find_root_cause"]
