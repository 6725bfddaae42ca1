"""A conversation handed over to the next shift, as Markdown or PDF."""
