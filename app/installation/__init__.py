"""The installation itself: who it is, whether it may send, the key of its suppression hashes, its backups."""
