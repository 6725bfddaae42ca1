"""A conversation handed over: as Markdown for a log book, as PDF for printing."""
