"""The outside, behind the ports. No adapter imports another."""
