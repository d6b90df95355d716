"""Regress the mass of a top quark from the image of its jet (ML4SCI 2021)."""
