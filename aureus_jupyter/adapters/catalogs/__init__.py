"""Catalog sources: packs, contracts and onboarding."""
