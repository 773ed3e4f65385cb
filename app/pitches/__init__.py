"""Proposes an angle, renders the pitch, holds it to the contract, and approves it into the outbox."""
