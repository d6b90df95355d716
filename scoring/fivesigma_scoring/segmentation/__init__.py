"""Segmentation: each pixel of an event gets a class; events, not pixels, are the unit."""
