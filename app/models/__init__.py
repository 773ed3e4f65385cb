"""The tables, one file each; `app.models` imports them all so that migrations see the whole schema."""
