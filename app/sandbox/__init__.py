"""The demo world: a local mail server, editors that answer, sites that link."""
