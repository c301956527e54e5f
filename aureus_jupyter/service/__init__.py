"""Use cases: what happens to a cell, in order. Talks to the outside only through the ports."""
