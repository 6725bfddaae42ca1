"""Typed tools over the plant: what may be asked, and the facts that come back."""
