"""Who did what to which thing: the record that every room writes to, and nobody changes."""
