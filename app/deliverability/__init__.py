"""What receivers see before they read a mail: the DNS of the sending domains, and the addresses that are written to."""
