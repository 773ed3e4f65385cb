"""The three search providers. Each was written from its documentation; none was verified against the live service.

A hit is an address and nothing more: titles and snippets are somebody else's words, and no verdict is made of them.
"""

from __future__ import annotations

import json
from typing import Any, Protocol

from app.domain.said import say
from app.errors import BadInput, Unavailable
from app.gaps.providers.base import Client
from app.settings import Settings

MOST = 20


class Engine(Protocol):
    """One search provider."""

    name: str
    title: str
    base_url: str
    #: The settings that it needs, by the names of `Settings`.
    needs: tuple[str, ...]

    def search(self, client: Client, query: str) -> list[str]:
        """Addresses of pages for `query`, best first, from one request. Raises BadInput or Unavailable in words."""


class SearXNG:
    """SearXNG's own API: `GET /search?q=...&format=json`. The instance must allow it (`search.formats` has `json`)."""

    name, title, base_url = "searxng", "SearXNG", ""
    needs: tuple[str, ...] = ("search_url",)

    def search(self, client: Client, query: str) -> list[str]:
        """See `Engine.search`."""
        return _addresses(self, _json(self, client.get("/search", q=query, format="json").text).get("results"), "url")


class Brave:
    """Brave Search API: `GET /res/v1/web/search`, the key in `X-Subscription-Token`; `web.results[].url`, at most 20."""

    name, title, base_url = "brave", "Brave Search API", "https://api.search.brave.com"
    needs: tuple[str, ...] = ("brave_key",)

    def search(self, client: Client, query: str) -> list[str]:
        """See `Engine.search`."""
        headers = {"X-Subscription-Token": client.credentials["brave_key"], "Accept": "application/json"}
        answer = _json(self, client.get("/res/v1/web/search", headers=headers, q=query, count=MOST).text)
        # Without any result the part `web` is missing.
        web = answer.get("web") or {}
        return _addresses(self, web.get("results", []) if isinstance(web, dict) else None, "url")


class Google:
    """Custom Search JSON API: `GET /customsearch/v1` with `key` and `cx`; `items[].link`, at most 10, absent when there are none."""

    name, title, base_url = "google", "Google Programmable Search", "https://www.googleapis.com"
    needs: tuple[str, ...] = ("google_search_key", "google_search_engine")

    def search(self, client: Client, query: str) -> list[str]:
        """See `Engine.search`."""
        response = client.get(
            "/customsearch/v1",
            q=query,
            num=10,
            key=client.credentials["google_search_key"],
            cx=client.credentials["google_search_engine"],
        )
        return _addresses(self, _json(self, response.text).get("items", []), "link")


ENGINES: dict[str, Engine] = {engine.name: engine for engine in (SearXNG(), Brave(), Google())}


def client_of(engine: Engine, settings: Settings) -> Client:
    """The paced client. Raises BadInput that names the settings which are missing."""
    found = {}
    for name in engine.needs:
        value = getattr(settings, name)
        found[name] = value if isinstance(value, str) else value.get_secret_value()
    missing = [f"GAPBRIDGE_{name.upper()}" for name, value in found.items() if not value]
    if missing:
        raise BadInput(say("{title} needs settings; set {names}", title=engine.title, names=" and ".join(missing)))
    base = settings.search_url.rstrip("/") or engine.base_url
    if not base.startswith(("http://", "https://")):
        raise BadInput(say("GAPBRIDGE_SEARCH_URL is '{base}'; write an address with https://", base=base))
    return Client(engine.title, base, found, a_minute=settings.search_a_minute)


def _json(engine: Engine, text: str) -> dict[str, Any]:
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise Unavailable(
            say(
                "{title} did not answer in JSON; look whether its address and its formats are right.",
                title=engine.title,
            )
        )
    return answer


def _addresses(engine: Engine, items: Any, field: str) -> list[str]:
    if not isinstance(items, list):
        raise Unavailable(say("{title} answered in a shape that is not known.", title=engine.title))
    found = (one.get(field) for one in items if isinstance(one, dict))
    return [url for url in found if isinstance(url, str) and url.startswith(("http://", "https://"))][:MOST]
