"""Diagnose, propose, apply, judge: pure decisions, and the one loop (`evolve`) that awaits its ports."""
