"""From a run to what a notebook shows."""
