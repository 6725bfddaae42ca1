"""The record of everything that was proposed, decided and done."""
