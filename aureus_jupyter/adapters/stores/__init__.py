"""Run stores: journals and evidence folders."""
