"""Judgements in the pipeline, and removals that people take back: at once, at every later import, and not for ever."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from app.db.work import Database, UnitOfWork
from app.domain.pipeline import Stage
from app.errors import BadInput, NotFound
from app.gaps import fit, kept, service
from app.models import Prospect
from app.sites import floors
from app.sites import service as sites
from tests.support import exports

link = exports.link


def world(tmp_path: Path) -> list[Path]:
    to = "https://alpha.example/late-payment-fees"
    return [
        exports.search_console_sites(tmp_path / "us.example-Top linking sites-2026-05-01.csv", [("linked.test", 3, 1)]),
        exports.ahrefs_backlinks(
            tmp_path / "alpha.example-backlinks-subdomains_2026-05-02_10-00-00.csv",
            [
                link("https://good.test/guide/a", to, Referring_page_title="When clients pay late", Anchor="late payment fees"),
                link("https://paid.test/b", to, Sponsored="true", Referring_page_title="When clients pay late"),
                link("https://web-directory.test/c", to, Referring_page_title="Accounting firms"),
                link("https://best-directory.test/c", to, Is_spam="true"),
                link("https://fremd.test/d", to, Language="", Referring_page_title="Warum die Gurken im Garten welken und was hilft"),
            ],
        ),
    ]  # fmt: skip


@pytest.fixture
def site_id(db: Database, tmp_path: Path) -> int:
    with db.work() as uow:
        site = sites.create(uow, name="Us", domains=["us.example"], brand_names=["Us"])
        floors.set_floors(uow, site.id, min_authority=None, min_traffic=0, min_fit=50, languages=["en"])
        sites.add_competitor(uow, site.id, "alpha.example")
        sites.add_page(uow, site.id, "https://us.example/fees", title="Late payment fees", topic="late payment fees")
        number = site.id
    service.import_and_refresh(db, number, world(tmp_path), folder=tmp_path / "snapshots", actor="test")
    return number


def found(uow: UnitOfWork, site_id: int) -> dict[str, Prospect]:
    return {
        one.domain: one
        for one in uow.session.execute(
            select(Prospect).where(Prospect.site_id == site_id).order_by(Prospect.rank_key)  # type: ignore[arg-type]
        ).scalars()
    }


def removed(uow: UnitOfWork, site_id: int) -> dict[str, list[str]]:
    return {one.domain: one.removed_by for one in kept.removed(uow, site_id)}


def test_an_import_judges_what_it_adds(db: Database, site_id: int) -> None:
    with db.read() as uow:
        rows, page = found(uow, site_id), sites.pages(uow, site_id)[0]
        # A paid link stands behind every tier, whatever its tier is.
        assert list(rows) == ["good.test", "paid.test"]
        good, paid = rows["good.test"], rows["paid.test"]
        assert (good.fit_page_id, (good.fit or 0) >= 50, good.fit_unknown) == (page.id, True, None)
        assert {"late", "payment", "fees"} <= set(good.fit_words)
        assert (good.language, good.language_source, good.gate) == ("en", "tool", None)
        assert {part["rule"] for part in good.winnability_parts} >= {"editorial"}
        assert (paid.tier, paid.gate, paid.rank_key[0], good.rank_key[0]) == (1, "paid", "8", "1")
        assert removed(uow, site_id) == {
            "best-directory.test": ["spam", "directory"],
            "fremd.test": ["foreign-language"],
            "web-directory.test": ["directory"],
        }
        (foreign,) = [one for one in kept.removed(uow, site_id) if one.domain == "fremd.test"]
        assert (foreign.seen, foreign.language, foreign.language_source) == (
            "language: de (detected)",
            "de",
            "detected",
        )


def test_a_rule_is_taken_back_at_once_and_for_later_imports(db: Database, site_id: int, tmp_path: Path) -> None:
    with db.work() as uow:
        made = kept.keep_rule(uow, site_id, "directory", actor="Ana")
        assert kept.keep_rule(uow, site_id, "directory", actor="Ben").id == made.id
        assert (made.by, made.at, made.domain) == ("Ana", uow.now(), None)
    with db.read() as uow:
        back = found(uow, site_id)["web-directory.test"]
        assert (back.stage, back.removed_by, back.mention_due_at) == (Stage.PROSPECT, [], uow.now())
        # Another rule still stands against this one.
        assert removed(uow, site_id)["best-directory.test"] == ["spam"]
    service.refresh(db, site_id, folder=tmp_path / "snapshots", actor="test")
    with db.work() as uow:
        assert found(uow, site_id)["web-directory.test"].removed_by == []
        ended = kept.end(uow, site_id, kept.listing(uow, site_id)[0].id, actor="Ben")
        assert (ended.ended_by, kept.listing(uow, site_id), len(kept.listing(uow, site_id, ended=True))) == (
            "Ben",
            [],
            1,
        )
    service.refresh(db, site_id, folder=tmp_path / "snapshots", actor="test")
    with db.read() as uow:
        assert found(uow, site_id)["web-directory.test"].removed_by == ["directory"]
        assert "web-directory.test" in removed(uow, site_id)


def test_a_row_is_taken_back_alone(db: Database, site_id: int, tmp_path: Path) -> None:
    with db.work() as uow:
        for domain in ("https://www.fremd.test/d", "best-directory.test", "paid.test"):
            kept.keep_row(uow, site_id, domain, actor="Ana")
    for _again in range(2):
        with db.read() as uow:
            rows = found(uow, site_id)
            assert {"fremd.test", "best-directory.test", "paid.test"} <= set(rows)
            assert (rows["paid.test"].gate, rows["paid.test"].rank_key[0]) == (None, "1")
            assert rows["fremd.test"].removed_by == []
            assert list(removed(uow, site_id)) == ["web-directory.test"]
        service.refresh(db, site_id, folder=tmp_path / "snapshots", actor="test")


def test_what_cannot_be_taken_back_says_why(db: Database, site_id: int) -> None:
    with db.work() as uow:
        for rule in ("competitor", "own-domain", "lost", "no-such-rule"):
            with pytest.raises(BadInput, match="there is no removal"):
                kept.keep_rule(uow, site_id, rule, actor="Ana")
        with pytest.raises(NotFound, match="the gap of this site has no"):
            kept.keep_row(uow, site_id, "stranger.test", actor="Ana")
        with pytest.raises(NotFound):
            kept.end(uow, site_id, 99, actor="Ana")


def test_a_page_that_was_read_says_its_language_and_its_words(db: Database, site_id: int, tmp_path: Path) -> None:
    text = "Wenn Kunden zu spät zahlen, helfen Mahnung und Verzugszinsen. " * 4
    with db.work() as uow:
        one = found(uow, site_id)["good.test"]
        # The mark of the template says English; what readers read is German.
        fit.page_was_read(uow, one, lang="en-US", text=text)
        assert (one.language, one.language_source, one.page_language) == ("de", "detected", "de")
        assert "verzugszinsen" in one.page_words
        assert (one.fit, one.fit_unknown) == (None, "other-language")
        kept.keep_rule(uow, site_id, "foreign-language", actor="Ana")
    service.refresh(db, site_id, folder=tmp_path / "snapshots", actor="test")
    with db.read() as uow:
        one = found(uow, site_id)["good.test"]
        assert (one.language, one.language_source, one.fit_unknown) == ("de", "page", "other-language")


def test_the_import_takes_rules_back_by_name(db: Database, site_id: int, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is no removal"):
        service.import_and_refresh(
            db, site_id, world(tmp_path), folder=tmp_path / "snapshots", actor="test", keep=["nothing"]
        )
    _made, counts, summary = service.import_and_refresh(
        db, site_id, world(tmp_path), folder=tmp_path / "snapshots", actor="command line", keep=["directory", "paid"]
    )
    # Both were freed by the rule itself, before the gap was computed again.
    assert (counts["added"], summary["removed"].get("directory")) == (0, None)
    assert summary["filters"]["topic fit >= 50"] == {"passes": 3, "fails": 0, "unknown": 0}
    with db.read() as uow:
        assert {(one.rule, one.by) for one in kept.listing(uow, site_id)} == {
            ("directory", "command line"),
            ("paid", "command line"),
        }
        assert found(uow, site_id)["paid.test"].gate is None
