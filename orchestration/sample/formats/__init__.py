"""One writer per format that the inbox reads: the same usage, as each kind of node writes it."""
