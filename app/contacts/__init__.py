"""The search for whom to write to: a prospect's own pages are read for people and their addresses."""
