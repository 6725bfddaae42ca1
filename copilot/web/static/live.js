// The one stream of a tab; live values and counters are put where the page asks for them.
