"""Fakes and conformance suites for the ports; for tests of this package and of third-party adapters."""
