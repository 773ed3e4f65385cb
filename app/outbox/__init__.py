"""Approved mail that is not yet sent, and the protocol by which it leaves exactly once."""
