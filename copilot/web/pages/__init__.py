"""Pages of the plant, the chat and the approvals; each file is one page and what it does."""
