"""Backup of the own database, and putting one back."""
