"""How many cycles a unit has left, learnt from runs to failure of others of its kind.

Importing this loads scikit-learn: do it where a model is needed, not where a program starts.
"""

from copilot_tools.models.remaining_life.model import TRUSTED, RemainingLife
from copilot_tools.models.remaining_life.run import Driver, Estimate, Run

__all__ = ["TRUSTED", "Driver", "Estimate", "RemainingLife", "Run"]
