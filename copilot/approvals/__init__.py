"""From a proposal to a decision by people."""
