"""Texts of others in a form that every database and file can hold."""

from __future__ import annotations


def storable(text: str) -> str:
    """`text` without lone surrogates, which UTF-8 cannot carry, and without NUL, which PostgreSQL refuses in a text."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "")


def in_short(error: BaseException) -> str:
    """What an error of a connection says, on one line of at most 200 characters; its kind where it says nothing."""
    return " ".join(str(error).split())[:200] or type(error).__name__


def told(text: str) -> str:
    """What a server has said, of whose bytes those that are no UTF-8 were kept as lone surrogates (PEP 383): Latin then, as in mail."""
    raw = text.encode("utf-8", "surrogateescape") if not text.isascii() else b""
    try:
        return storable(raw.decode("utf-8") if raw else text)
    except UnicodeDecodeError:
        return storable(raw.decode("cp1252", "replace"))
