"""Signers and trust files."""
