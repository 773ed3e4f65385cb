"""The digest: what changed since the last one, as a mail to members of staff. It passes through no outbox and counts on no cap."""
