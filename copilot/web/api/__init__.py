"""Interfaces for programs: REST, the chat completions form, the model context protocol."""
