"""Gapbridge: finds the sites that link to your competitors and not to you, and wins the links that can be won."""

__version__ = "0.1.0"
