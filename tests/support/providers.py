"""The paid tools' APIs on this machine: they answer, refuse and count as their documentation says."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from app.db.work import Database
from app.settings import Settings

KEY = "canary-key-5f0c"


@dataclass
class Deps:
    """What a pull needs."""

    db: Database
    settings: Settings


@dataclass
class Tools:
    """`links` holds, for each target, (domain, rating, links); `refuse` are answers that come before the good ones."""

    links: dict[str, list[tuple[str, int, int]]]
    refuse: list[tuple[int, dict[str, str], str]] = field(default_factory=list)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    ahrefs_rows: int = 500
    url: str = ""

    def start(self) -> ThreadingHTTPServer:
        tools = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(dict(parse_qsl(urlsplit(self.path).query)))

            def do_POST(self) -> None:
                self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

            def _answer(self, body: Any) -> None:
                path = urlsplit(self.path).path
                tools.asked.append((path, body))
                code, headers, text = (
                    tools.refuse.pop(0) if tools.refuse else tools.answer(path, body, dict(self.headers))
                )
                self.send_response(code)
                for name, value in headers.items():
                    self.send_header(name, value)
                data = text.encode()
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        return server

    def answer(self, path: str, body: Any, headers: dict[str, str]) -> tuple[int, dict[str, str], str]:
        by_path = {
            "/v3/site-explorer/refdomains": self._ahrefs,
            "/analytics/v1/": self._semrush,
            "/jsonrpc": self._moz,
            "/api/json": self._majestic,
            "/v3/backlinks/referring_domains/live": self._dataforseo,
            "/v1/backlinks/refdomains": self._seranking,
        }
        return by_path[path](body, {name.lower(): value for name, value in headers.items()})

    def _of(self, target: str, offset: int, count: int) -> list[tuple[str, int, int]]:
        return sorted(self.links.get(target, []), key=lambda one: -one[1])[offset : offset + count]

    def _ahrefs(self, ask: Any, headers: dict[str, str]) -> tuple[int, dict[str, str], str]:
        if headers.get("authorization") != f"Bearer {KEY}":
            return 401, {}, '{"error":"invalid token"}'
        fields = ask["select"].split(",")
        rows = [
            {
                name: value
                for name, value in {
                    "domain": domain,
                    "domain_rating": float(rating),
                    "dofollow_links": count - 1,
                    "links_to_target": count,
                    "traffic_domain": 1000 * rating,
                    "first_seen": "2025-03-04T05:06:07Z",
                    "last_seen": None,
                    "is_spam": False,
                }.items()
                if name in fields
            }
            for domain, rating, count in self._of(ask["target"], 0, min(int(ask["limit"]), self.ahrefs_rows))
        ]
        return 200, {"x-api-units-cost-total-actual": str(max(50, 17 * len(rows)))}, json.dumps({"refdomains": rows})

    def _semrush(self, ask: Any, _headers: dict[str, str]) -> tuple[int, dict[str, str], str]:
        if ask["key"] != KEY:
            return 200, {}, "ERROR 120 :: WRONG KEY - ID PAIR"
        offset, limit = int(ask["display_offset"]), int(ask["display_limit"])
        rows = self._of(ask["target"], offset, limit - offset)
        if not rows:
            return 200, {}, "ERROR 50 :: NOTHING FOUND"
        lines = [f"{rating};{domain};{count};1741064767;1748736000" for domain, rating, count in rows]
        return 200, {}, "\r\n".join([ask["export_columns"].replace(",", ";"), *lines]) + "\r\n"

    def _moz(self, ask: Any, headers: dict[str, str]) -> tuple[int, dict[str, str], str]:
        if headers.get("x-moz-token") != KEY:
            return (
                200,
                {},
                json.dumps({"jsonrpc": "2.0", "id": ask["id"], "error": {"code": -32655, "message": "bad token"}}),
            )
        data = ask["params"]["data"]
        start, limit = int(data["offset"].get("token") or 0), data["offset"]["limit"]
        rows = [
            {
                "site": {"root_domain": domain, "domain_authority": rating, "spam_score": -1},
                "to_target": {"pages": count, "nonnofollow_pages": count - 1},
            }
            for domain, rating, count in self._of(data["site_query"]["query"], start, limit)
        ]
        result = {"linking_domains": rows, "offset": {"token": str(start + limit), "limit": limit}}
        return 200, {}, json.dumps({"jsonrpc": "2.0", "id": ask["id"], "result": result})

    def _majestic(self, ask: Any, _headers: dict[str, str]) -> tuple[int, dict[str, str], str]:
        if ask["app_api_key"] != KEY:
            return 200, {}, json.dumps({"Code": "InvalidAPIKey", "ErrorMessage": "the key is not known"})
        rows = [
            {
                "Domain": domain,
                "TrustFlow": rating,
                "MatchedLinks": count,
                "FirstLinkDate": "2025-03-04",
                "LastLinkDate": " ",
            }
            for domain, rating, count in self._of(ask["item0"], int(ask["From"]), int(ask["Count"]))
        ]
        return 200, {}, json.dumps({"Code": "OK", "DataTables": {"Results": {"Data": rows}}})

    def _dataforseo(self, ask: Any, headers: dict[str, str]) -> tuple[int, dict[str, str], str]:
        if headers.get("authorization") != "Basic " + base64.b64encode(f"{KEY}:{KEY}".encode()).decode():
            return 401, {}, json.dumps({"status_code": 40100, "status_message": "You are not authorized."})
        [task] = ask
        if task["limit"] > 1000:
            done = {"status_code": 40501, "status_message": "Invalid Field: 'limit'.", "result": None}
            return 200, {}, json.dumps({"status_code": 20000, "tasks": [done]})
        rows = [
            {
                "type": "backlinks_referring_domain",
                "domain": domain,
                "rank": 10 * rating,
                "backlinks": count,
                "referring_pages": count,
                "referring_pages_nofollow": 1,
                "backlinks_spam_score": 3,
                "first_seen": "2025-03-04 05:06:07 +00:00",
            }
            for domain, rating, count in self._of(task["target"], task["offset"], task["limit"])
        ]
        cost = round(0.02 + 0.00003 * len(rows), 5)
        done = {"status_code": 20000, "cost": cost, "result": [{"items": rows or None}]}
        return 200, {}, json.dumps({"status_code": 20000, "cost": cost, "tasks": [done]})

    def _seranking(self, ask: Any, headers: dict[str, str]) -> tuple[int, dict[str, str], str]:
        if headers.get("authorization") != f"Token {KEY}":
            return 403, {}, '{"message":"no access"}'
        rows = [
            {
                "refdomain": domain,
                "domain_inlink_rank": rating,
                "backlinks": count,
                "dofollow_backlinks": count - 1,
                "first_seen": "2025-03-04",
            }
            for domain, rating, count in self._of(ask["target"], 0, int(ask["limit"]))
        ]
        return 200, {}, json.dumps({"refdomains": rows})


@contextmanager
def serving(links: Mapping[str, Sequence[tuple[str, int, int]]]) -> Iterator[Tools]:
    """The tools at work, with a copy of `links`."""
    made = Tools({target: list(rows) for target, rows in links.items()})
    server = made.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
