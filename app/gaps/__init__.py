"""Imports of backlink data and the computation of the gap."""
