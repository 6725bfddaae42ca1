"""What may be proposed, approved and executed."""
