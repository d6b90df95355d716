"""Selections: each event is called signal or background, with an optional score."""
