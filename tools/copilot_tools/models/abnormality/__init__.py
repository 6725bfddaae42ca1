"""Whether machines are unlike themselves: baselines, a fleet scorer, episodes, drift."""
