"""Prospects, their contacts and their way through the pipeline, with the append-only history."""
