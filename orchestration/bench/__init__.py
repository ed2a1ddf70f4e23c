"""The common benchmark: a month of usage, the same for every engine that rates it."""
