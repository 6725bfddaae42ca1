"""Manuals: parsed, indexed, searched and cited to the page."""
