"""The inspection station: pictures come in, verdicts go into the plant database."""
