"""The versioned steps after a pitch: when a follow-up is due and when the sequence ends."""
