"""The JSON door: one service call for each request."""
