"""The common benchmark's job, written by hand for the tools one would take instead."""
