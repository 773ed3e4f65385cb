"""Broker, actors, runtime and clock. Importing this package starts nothing."""
