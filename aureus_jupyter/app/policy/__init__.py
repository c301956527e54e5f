"""`aureus policy`: what a set of policies says, before anybody runs a cell. Reads no data."""
