"""Placements that the checker has seen: verdicts, daily checks, losses."""
