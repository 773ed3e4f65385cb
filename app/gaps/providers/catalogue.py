"""The six providers. Each class names the documentation that it was written from in its docstring."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from app.domain.said import say
from app.errors import BadInput
from app.gaps.providers.base import Batch, Client, Provider, Row, Terms, day, number, rating, words


class Ahrefs:
    """Ahrefs API v3, `site-explorer/refdomains` (its OpenAPI description and Python SDK, read in 2026).

    A request costs max(50, rows x fields) units; a field is 1, traffic is 10. One request answers up to the plan's rows
    (Lite 100, Standard 250, Advanced 500) and there is no offset, so a pull ends there and says that it is capped.
    """

    name, title = "ahrefs", "Ahrefs API v3"
    needs: tuple[str, ...] = ("ahrefs_key",)
    base_url = "https://api.ahrefs.com"
    terms = Terms("units", a_minute=60, rows_a_request=500, ends_at=(100, 250, 500))
    _FIELDS = (
        "domain",
        "domain_rating",
        "dofollow_links",
        "links_to_target",
        "traffic_domain",
        "first_seen",
        "last_seen",
        "is_spam",
    )
    _UNITS_A_ROW = len(_FIELDS) - 1 + 10

    def estimate(self, rows: int) -> float:
        """See `Provider.estimate`."""
        return max(50, min(rows, self.terms.rows_a_request) * self._UNITS_A_ROW)

    def pull(self, client: Client, target: str, rows: int) -> Iterator[Batch]:
        """See `Provider.pull`."""
        response = client.get(
            "/v3/site-explorer/refdomains",
            headers={"Authorization": f"Bearer {client.credentials['ahrefs_key']}", "Accept": "application/json"},
            target=target,
            mode="subdomains",
            history="live",
            select=",".join(self._FIELDS),
            order_by="domain_rating:desc",
            limit=min(rows, self.terms.rows_a_request),
        )
        found = [
            Row(
                domain=one["domain"],
                authority=rating(one.get("domain_rating")),
                traffic=number(one.get("traffic_domain")),
                links=number(one.get("links_to_target")),
                dofollow_links=number(one.get("dofollow_links")),
                spam=one.get("is_spam"),
                first_seen=day(one.get("first_seen")),
                last_seen=day(one.get("last_seen")),
            )
            for one in _items(self, _json(self, response.text), "refdomains", "domain")
        ]
        cost = number(response.headers.get("x-api-units-cost-total-actual"))
        yield Batch(found, self.estimate(len(found)) if cost is None else cost)


class Semrush:
    """Semrush API v3, `backlinks_refdomains`: CSV with semicolons, 40 units a line; errors come as text with status 200.

    Its terms are reported to forbid keeping API data for more than a month, so it is removed after 30 days.
    """

    name, title = "semrush", "Semrush API v3"
    needs: tuple[str, ...] = ("semrush_key",)
    base_url = "https://api.semrush.com"
    terms = Terms("units", a_minute=600, rows_a_request=10_000, retention=timedelta(days=30))
    _COLUMNS = "domain_ascore,domain,backlinks_num,first_seen,last_seen"

    def estimate(self, rows: int) -> float:
        """See `Provider.estimate`."""
        return 40 * rows

    def pull(self, client: Client, target: str, rows: int) -> Iterator[Batch]:
        """See `Provider.pull`."""
        for offset, count in _slices(rows, self.terms.rows_a_request):
            text = client.get(
                "/analytics/v1/",
                key=client.credentials["semrush_key"],
                type="backlinks_refdomains",
                target=target,
                target_type="root_domain",
                export_columns=self._COLUMNS,
                display_sort="domain_ascore_desc",
                display_limit=offset + count,  # Counted from the first line of the list, the offset included.
                display_offset=offset,
            ).text
            if text.startswith("ERROR"):
                if "NOTHING FOUND" in text:
                    return
                raise _refused(self, client, text)
            reader = csv.DictReader(io.StringIO(text), delimiter=";")
            if "domain" not in (reader.fieldnames or ()):
                raise BadInput(
                    say(
                        "{title} answered with other columns than asked for: {words}",
                        title=self.title,
                        words=words(text),
                    )
                )
            lines = list(reader)
            yield Batch(
                [
                    Row(
                        domain=one["domain"],
                        authority=rating(one.get("domain_ascore")),
                        links=number(one.get("backlinks_num")),
                        first_seen=_unix_day(one.get("first_seen")),
                        last_seen=_unix_day(one.get("last_seen")),
                    )
                    for one in lines
                ],
                40 * len(lines),
            )
            if len(lines) < count:
                return


class Moz:
    """Moz API, JSON-RPC 2.0, `data.site.linking-domain.list`: one row of the quota a domain, pages by a token."""

    name, title = "moz", "Moz API"
    needs: tuple[str, ...] = ("moz_token",)
    base_url = "https://api.moz.com"
    terms = Terms("rows", a_minute=6, rows_a_request=50)

    def estimate(self, rows: int) -> float:
        """See `Provider.estimate`."""
        return rows

    def pull(self, client: Client, target: str, rows: int) -> Iterator[Batch]:
        """See `Provider.pull`."""
        token = None
        for asked, (_, count) in enumerate(_slices(rows, self.terms.rows_a_request), 1):
            data = {
                "site_query": {"query": target, "scope": "domain"},
                "options": {"sort": "source_domain_authority"},
                "offset": {"limit": count, **({"token": token} if token else {})},
            }
            answer = _json(
                self,
                client.post(
                    "/jsonrpc",
                    {
                        "jsonrpc": "2.0",
                        "id": f"gapbridge-{asked}",
                        "method": "data.site.linking-domain.list",
                        "params": {"data": data},
                    },
                    headers={"x-moz-token": client.credentials["moz_token"]},
                ).text,
            )
            if "error" in answer:
                error = answer["error"]
                raise _refused(self, client, str(error.get("message", error) if isinstance(error, dict) else error))
            result = answer.get("result") or {}
            listed = _items(self, result, "linking_domains", "site")
            found = [
                Row(
                    domain=site["root_domain"],
                    authority=rating(site.get("domain_authority")),
                    links=number(one.get("to_target", {}).get("pages")),
                    dofollow_links=number(one.get("to_target", {}).get("nonnofollow_pages")),
                    spam=None if (score := number(site.get("spam_score"))) is None or score < 0 else score > 60,
                )
                for one in listed
                if isinstance(site := one["site"], dict) and site.get("root_domain")
            ]
            # A row that names no domain is paid like any other, and ends no list.
            yield Batch(found, len(listed), unnamed=len(listed) - len(found))
            token = (result.get("offset") or {}).get("token")
            if not token or len(listed) < count:
                return


class Majestic:
    """Majestic API, `GetRefDomains` on the fresh index: one analysis unit a row; errors come with `Code` other than OK."""

    name, title = "majestic", "Majestic API"
    needs: tuple[str, ...] = ("majestic_key",)
    base_url = "https://api.majestic.com"
    terms = Terms("rows", a_minute=60, rows_a_request=10_000)

    def estimate(self, rows: int) -> float:
        """See `Provider.estimate`."""
        return rows

    def pull(self, client: Client, target: str, rows: int) -> Iterator[Batch]:
        """See `Provider.pull`."""
        for offset, count in _slices(rows, self.terms.rows_a_request):
            answer = _json(
                self,
                client.get(
                    "/api/json",
                    app_api_key=client.credentials["majestic_key"],
                    cmd="GetRefDomains",
                    datasource="fresh",
                    item0=target,
                    Count=count,
                    From=offset,
                    OrderBy1=0,
                    OrderDir1=1,
                ).text,
            )
            if answer.get("Code") != "OK":
                said = answer.get("ErrorMessage") or answer.get("FullError") or answer.get("Code")
                raise _refused(self, client, str(said))
            table = (answer.get("DataTables") or {}).get("Results") or {}
            found = [
                Row(
                    domain=one["Domain"],
                    authority=rating(one.get("TrustFlow")),
                    links=number(one.get("MatchedLinks")),
                    first_seen=day(one.get("FirstLinkDate")),
                    last_seen=day(one.get("LastLinkDate")),
                )
                for one in _items(self, table, "Data", "Domain")
            ]
            yield Batch(found, len(found))
            if len(found) < count:
                return


class DataForSeo:
    """DataForSEO v3, `backlinks/referring_domains/live`: US dollars, told by each answer; at most 1,000 rows a request.

    `rank` is that of the links from the domain to the target, not of the domain, so it is not taken as an authority.
    """

    name, title = "dataforseo", "DataForSEO Backlinks API"
    needs: tuple[str, ...] = ("dataforseo_login", "dataforseo_password")
    base_url = "https://api.dataforseo.com"
    terms = Terms("USD", a_minute=2_000, rows_a_request=1_000)
    # The prices of the live backlink methods in 2026: a request and a row.
    _REQUEST, _ROW = 0.02, 0.00003

    def estimate(self, rows: int) -> float:
        """See `Provider.estimate`."""
        requests = -(-rows // self.terms.rows_a_request)
        return round(requests * self._REQUEST + rows * self._ROW, 4)

    def pull(self, client: Client, target: str, rows: int) -> Iterator[Batch]:
        """See `Provider.pull`."""
        for offset, count in _slices(rows, self.terms.rows_a_request):
            task = {
                "target": target,
                "limit": count,
                "offset": offset,
                "backlinks_status_type": "live",
                "include_subdomains": True,
                "exclude_internal_backlinks": True,
                "order_by": ["rank,desc"],
            }
            answer = _json(
                self,
                client.post(
                    "/v3/backlinks/referring_domains/live",
                    [task],
                    auth=(client.credentials["dataforseo_login"], client.credentials["dataforseo_password"]),
                ).text,
            )
            done = (answer.get("tasks") or [{}])[0]
            # 20000 is Ok; the status of HTTP says nothing about the task.
            if done.get("status_code") != 20000:
                said = done.get("status_message") or answer.get("status_message") or "no task in the answer"
                raise _refused(self, client, str(said))
            result = (done.get("result") or [{}])[0] or {}
            found = [
                Row(
                    domain=one["domain"],
                    links=number(one.get("backlinks")),
                    dofollow_links=_dofollow(one),
                    spam=None if (score := number(one.get("backlinks_spam_score"))) is None else score > 60,
                    first_seen=day(one.get("first_seen")),
                )
                for one in _items(self, result, "items", "domain")
            ]
            yield Batch(found, float(answer.get("cost") or done.get("cost") or 0.0))
            if len(found) < count:
                return


class SeRanking:
    """SE Ranking Data API, `backlinks/refdomains`: one credit a row, ten requests a second, at most 10,000 rows a request."""

    name, title = "se-ranking", "SE Ranking Data API"
    needs: tuple[str, ...] = ("seranking_key",)
    base_url = "https://api.seranking.com"
    terms = Terms("credits", a_minute=600, rows_a_request=10_000, ends_at=(10_000,))

    def estimate(self, rows: int) -> float:
        """See `Provider.estimate`."""
        return min(rows, self.terms.rows_a_request)

    def pull(self, client: Client, target: str, rows: int) -> Iterator[Batch]:
        """See `Provider.pull`."""
        answer = _json(
            self,
            client.get(
                "/v1/backlinks/refdomains",
                headers={"Authorization": f"Token {client.credentials['seranking_key']}"},
                target=target,
                mode="domain",
                order_by="domain_inlink_rank",
                limit=min(rows, self.terms.rows_a_request),
                output="json",
            ).text,
        )
        found = [
            Row(
                domain=one["refdomain"],
                authority=rating(one.get("domain_inlink_rank")),
                links=number(one.get("backlinks")),
                dofollow_links=number(one.get("dofollow_backlinks")),
                first_seen=day(one.get("first_seen")),
            )
            for one in _items(self, answer, "refdomains", "refdomain")
        ]
        yield Batch(found, len(found))


PROVIDERS: dict[str, Provider] = {
    one.name: one for one in (Ahrefs(), Semrush(), Moz(), Majestic(), DataForSeo(), SeRanking())
}


def _refused(provider: Provider, client: Client, said: str) -> BadInput:
    """The error for an answer that is none: nobody is charged for it."""
    client.answered -= 1
    return BadInput(say("{title} refuses the request: {words}", title=provider.title, words=words(said)))


def _json(provider: Provider, text: str) -> dict[str, Any]:
    try:
        answer = json.loads(text)
    except ValueError as error:
        raise BadInput(
            say("{title} answered with no JSON: {words}", title=provider.title, words=words(text))
        ) from error
    if not isinstance(answer, dict):
        raise BadInput(
            say("{title} answered with another shape than documented: {words}", title=provider.title, words=words(text))
        )
    return answer


def _items(provider: Provider, answer: dict[str, Any], name: str, key: str) -> list[dict[str, Any]]:
    """The list `name` of an answer, each item with `key`, which is "" where the item has none (it was paid like the others).

    Raises BadInput for a list that is missing, and for one in which no item has it: that is another API than the documented one.
    """
    found = answer.get(name)
    if found is None:
        if name in answer or name == "items":
            return []
        raise BadInput(
            say("{title} answered without '{name}'; its API may have changed.", title=provider.title, name=name)
        )
    things = isinstance(found, list) and all(isinstance(one, dict) for one in found)
    if not things or (found and not any(one.get(key) for one in found)):
        raise BadInput(
            say("{title} answered with items without '{key}'; its API may have changed.", title=provider.title, key=key)
        )
    return [{**one, key: one.get(key) or ""} for one in found]


def _slices(rows: int, most: int) -> Iterator[tuple[int, int]]:
    for start in range(0, rows, most):
        yield start, min(most, rows - start)


def _dofollow(one: dict[str, Any]) -> int | None:
    pages, nofollow = number(one.get("referring_pages")), number(one.get("referring_pages_nofollow"))
    return None if pages is None or nofollow is None else max(0, pages - nofollow)


def _unix_day(value: str | None) -> str | None:
    seconds = number(value)
    return (
        day(value) if seconds is None or seconds < 10_000 else datetime.fromtimestamp(seconds, UTC).date().isoformat()
    )
