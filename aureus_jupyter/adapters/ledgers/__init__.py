"""Ledgers: what has been spent out of budgets, and what was answered in summaries, for all kernels."""
