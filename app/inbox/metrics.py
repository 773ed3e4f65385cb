"""What the inbox counts, read at `/metrics` (each process counts its own)."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

LOOKS = Counter("gapbridge_looks", "Looks into mailboxes, by outcome: current, more, failed, or put off.", ["outcome"])
LOOK_LATE = Histogram(
    "gapbridge_look_late_seconds",
    "How long after its due time a look began.",
    buckets=(0.1, 0.5, 1, 2, 5, 15, 60, 300, 900, 3600),
)
PUSH_LAG = Histogram(
    "gapbridge_push_lag_seconds",
    "From a server's word that there is mail until it was stored and matched.",
    buckets=(0.05, 0.1, 0.2, 0.5, 1, 2, 5, 15, 60, 300),
)
IDLE_CONNECTIONS = Gauge("gapbridge_idle_connections", "Connections of this process that wait for mail.")
IDLE_LOST = Counter("gapbridge_idle_lost", "Waiting connections that ended, or could not be made.")
QUARANTINED = Counter(
    "gapbridge_quarantined",
    "Messages put aside because they broke the parser or could not be fetched, by reason.",
    ["reason"],
)
IDLE_RINGS = Counter("gapbridge_idle_rings", "Times that a server told of mail.")
