"""People whom we wrote to: what is known of one, and its erasure everywhere."""
