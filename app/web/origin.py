"""From which pages a form may come: ours, under a name that nobody else can point at this machine."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from fastapi import Request

from app.domain.said import say
from app.errors import NotAllowed
from app.settings import Settings


def is_same(request: Request, settings: Settings) -> bool:
    """Whether the browser says that a page of ours has sent this, or says nothing about it."""
    site = request.headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        return False
    origin = request.headers.get("origin")
    if origin is None:
        return True
    called, public = request.headers.get("host", ""), urlsplit(settings.public_url).netloc
    return urlsplit(origin).netloc in ({public, called} if _is_ours(called, public) else {public}) - {""}


def require_our_name(request: Request, settings: Settings) -> None:
    """Raise NotAllowed, with what to set, where the page was opened under a name that anybody may point here.

    A name in anybody's DNS may lead to this machine at the second look (DNS rebinding), and its page would be of our own origin. Where
    the browser says that its page is the public one, Host is only what a proxy calls us.
    """
    called, public = request.headers.get("host", ""), urlsplit(settings.public_url).netloc
    page = urlsplit(request.headers.get("origin", "")).netloc
    if page != public and not _is_ours(called, public):
        raise NotAllowed(
            say(
                "this installation is not known as {called}; open it at {public}, or set GAPBRIDGE_PUBLIC_URL to the address "
                "under which people reach it",
                called=called,
                public=public,
            )
        )


def _is_ours(called: str, public: str) -> bool:
    """The public host, this machine's own name, or an address, which needs no look-up."""
    try:
        name = (urlsplit(f"//{called}").hostname or "").removesuffix(".")
        if called == public or name == "localhost" or name.endswith(".localhost"):
            return True
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
