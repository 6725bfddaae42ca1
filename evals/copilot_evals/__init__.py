"""Evaluations: cases, runners, scores and their tables."""
