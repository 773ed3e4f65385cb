"""Received mail: stored raw, parsed under limits, matched to what was sent, classified and acted on."""
