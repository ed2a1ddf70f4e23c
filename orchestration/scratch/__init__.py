"""Scratch builds: what would have come out, with another tariff, without touching the house."""
