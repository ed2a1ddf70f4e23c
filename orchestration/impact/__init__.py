"""Impact: what a change of the tariff does to the bills of the whole base, before it is live."""
