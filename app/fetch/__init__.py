"""The guarded HTTP client for other people's pages: addresses checked, robots obeyed, size and time limited."""
