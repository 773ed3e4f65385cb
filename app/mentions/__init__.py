"""The check whether a prospect's pages mention us or link to us already."""
