"""Frozen values shared by every layer. No input, no output, no clock, no randomness."""
