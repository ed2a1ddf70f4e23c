"""Quote: what the usage of a period would have cost on every plan that is sold."""
