"""Views over several rooms: lists, counts and the timeline. They only read, and they select columns."""
