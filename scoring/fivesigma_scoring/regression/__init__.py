"""Regression: each event gets values in physical units."""
