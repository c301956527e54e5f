"""Decisions as pure functions over values: the same input gives the same answer, and nothing is read or written."""
