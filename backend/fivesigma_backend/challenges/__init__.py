"""Challenges, their test sets, solutions, phases, files, and who takes part."""
