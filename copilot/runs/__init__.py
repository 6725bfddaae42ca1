"""Runs: turns of the chat that go on, and are kept, whoever is listening."""
