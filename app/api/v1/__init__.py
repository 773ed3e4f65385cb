"""Version 1 of the API: the resources, and the table of its routes."""
