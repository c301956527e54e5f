"""Grants as the own statements of engines that enforce them themselves."""
