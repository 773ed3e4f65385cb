"""The wire: SMTP lanes, IMAP sessions, frozen MIME bytes, and a memory twin of each for tests."""
