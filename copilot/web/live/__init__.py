"""One stream of events a tab: live values, the counter of approvals, the steps of a turn."""
