"""Ledgers: what has been spent out of budgets."""
