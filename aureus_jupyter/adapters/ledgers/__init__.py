"""Ledgers: what must be remembered across kernels so that many small answers do not add up to a large one."""
