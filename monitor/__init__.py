"""Scarpwatch: a landslide watch from space."""

__version__ = "0.1.0"
