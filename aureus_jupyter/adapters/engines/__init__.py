"""Engines: connections to data."""
