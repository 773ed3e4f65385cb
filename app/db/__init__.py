"""Engine, unit of work and column types: how every room reaches the database."""
