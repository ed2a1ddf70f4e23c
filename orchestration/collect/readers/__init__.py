"""Readers: one per format of usage files; each yields native records, nothing is mapped here."""
