"""Copilots: from a question to a draft."""
