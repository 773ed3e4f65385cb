"""Turns a template and plain values into a message: first messages and follow-ups alike, so it stands below both rooms."""
