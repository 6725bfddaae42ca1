"""Where plant data comes from: one protocol each, one adapter per kind of system."""
