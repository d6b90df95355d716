"""Boards: rankings of a phase and a split. Reads only."""
