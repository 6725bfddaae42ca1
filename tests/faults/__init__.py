"""Faulty partners for tests: a controller that misbehaves, and a wire that loses messages."""
