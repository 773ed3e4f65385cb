"""The sandbox's exports are what the tools would write about the sandbox's sites."""

from __future__ import annotations

import csv
import io
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.sandbox import cast, exports
from app.sandbox.sites import Sites

AT = datetime(2026, 11, 20, 9, 14, 2, tzinfo=UTC)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    written = exports.write_all(tmp_path_factory.mktemp("exports"), AT)
    return {export.path.name: export.path for export in written}


def test_names(files: dict[str, Path]) -> None:
    assert list(files) == [
        "tidelark.test-Top linking sites-2026-11-20.csv",
        "tidelark.test-Latest links-2026-11-20.csv",
        "saltclock.test-backlinks-subdomains_2026-11-20_09-14-02.csv",
        "moorbase.test-backlinks-subdomains_2026-11-20_09-14-02.csv",
        "ebbfinder.test-refdomains-subdomains_2026-11-20_09-14-02.csv",
        "ebbfinder.test-backlinks_refdomains.csv",
        "tidelark.test-backlinks_matrix.csv",
    ]


def test_ahrefs_bytes(files: dict[str, Path]) -> None:
    raw = files["saltclock.test-backlinks-subdomains_2026-11-20_09-14-02.csv"].read_bytes()
    assert raw.startswith(b"\xff\xfe")
    text = raw[2:].decode("utf-16-le")
    assert "\r" not in text
    lines = text.splitlines()
    assert all(line.startswith('"') and line.endswith('"') and line.count("\t") == 36 for line in lines)
    rows = list(csv.DictReader(io.StringIO(text), delimiter="\t"))
    assert len(rows) == sum(cast.SALTCLOCK in editor.links_to for editor in cast.EDITORS) + len(cast.NOISE)
    by_url = {row["Referring page URL"]: row for row in rows}
    assert by_url["http://tinycreek.test/links"]["Domain rating"] == "4.5"
    assert by_url["http://gonepier.test/blog/tides"]["Lost status"] == "removedfromhtml"
    assert by_url["http://quaysidenotes.test/reviews/tide-apps-compared"]["Domain rating"] == "61"
    refdomains = files["ebbfinder.test-refdomains-subdomains_2026-11-20_09-14-02.csv"].read_bytes()[2:]
    assert '"Traffic "\t"Keywords "' in refdomains.decode("utf-16-le").splitlines()[0]


def test_semrush_and_search_console_bytes(files: dict[str, Path]) -> None:
    gap = files["tidelark.test-backlinks_matrix.csv"].read_bytes()
    header, *rows = gap.decode().split("\r\n")
    assert header == "Domain,Domain ascore,tidelark.test,saltclock.test,moorbase.test,ebbfinder.test,Matches"
    assert "quaysidenotes.test,55,0,1,0,1,2" in rows
    assert b'"' not in gap
    assert not gap.startswith(b"\xef\xbb\xbf")
    domains = files["ebbfinder.test-backlinks_refdomains.csv"].read_text()
    assert domains.startswith("Domain ascore,Domain,Backlinks,IP Address,Country,First seen,Last seen\n")
    console = files["tidelark.test-Top linking sites-2026-11-20.csv"].read_text()
    assert console == "Site,Linking pages,Target pages\nropewalk.test,1,1\n"


def test_the_sites_serve_what_the_exports_say(files: dict[str, Path]) -> None:
    with Sites() as sites:
        for target in (cast.SALTCLOCK, cast.MOORBASE):
            path = files[f"{target.domain}-backlinks-subdomains_2026-11-20_09-14-02.csv"]
            rows = list(csv.DictReader(io.StringIO(path.read_bytes()[2:].decode("utf-16-le")), delimiter="\t"))
            for row in rows:
                host, _, rest = row["Referring page URL"].removeprefix("http://").partition("/")
                request = urllib.request.Request(f"http://127.0.0.1:{sites.port}/{rest}", headers={"Host": host})
                with urllib.request.urlopen(request, timeout=5) as response:
                    page = response.read().decode()
                assert (row["Target URL"] in page) == (not row["Lost"]), row
    assert len(sites.visits) > len(cast.NOISE)
