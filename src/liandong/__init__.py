"""Liandong (联动): archives and unfinished business of a city on one platform."""

__version__ = "0.1.0"
