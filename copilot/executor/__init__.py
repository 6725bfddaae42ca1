"""Carries approved changes out; a process of its own that the chat never loads."""
