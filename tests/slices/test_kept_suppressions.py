"""Whoever asked not to be written to after a backup is not written to after its restore: by what is replaced, and by the journal."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import delete, select
from sqlmodel import col

from app.domain.suppression_rules import WISHES
from app.installation import backup, hold, journal
from app.models import SealedSecret, Suppression, SuppressionKind
from app.outbox import release as releasing
from app.prospects import suppression
from tests.slices.test_hold import Place, place, saved
from tests.support.world import VAULT

__all__ = ["place"]


def suppress(place: Place, address: str, reason: str = "unsubscribed") -> None:
    with place.db.work() as uow:
        suppression.suppress(
            uow, VAULT, address, kind=SuppressionKind.ADDRESS, reason=reason, source="the link", actor="recipient"
        )


def reason(place: Place, address: str) -> str | None:
    with place.db.read() as look:
        rules = suppression.rules_against(look.session, VAULT, address)
        return rules[0].reason if rules else None


def beat(place: Place) -> list[str]:
    hold.beat(place.db, place.settings)
    return journal.path_of(place.settings).read_text().splitlines()


def test_a_restore_over_data_keeps_whom_it_must_not_write_to(place: Place, tmp_path: Path) -> None:
    suppress(place, "early@editor.test")
    suppress(place, "both@editor.test", "bounced")
    backup.backup(place.settings, tmp_path / "saved")
    suppress(place, "late@editor.test")
    suppress(place, "both@editor.test")
    suppress(place, "erased@editor.test", "erased")
    with place.db.work() as uow:
        uow.session.execute(select(Suppression).where(col(Suppression.reason) == "erased")).scalar_one().value = None
    place.db.dispose()
    done = backup.restore(place.settings, tmp_path / "saved", force=True)
    assert (done.kept, done.lost, done.unread) == (2, 0, False)
    told = {one: reason(place, f"{one}@editor.test") for one in ("early", "both", "late", "erased", "other")}
    assert told == {
        "early": "unsubscribed",
        "both": "unsubscribed",
        "late": "unsubscribed",
        "erased": "erased",
        "other": None,
    }


def test_a_backup_from_before_the_first_rule_takes_over_the_key_of_the_hashes(place: Place, tmp_path: Path) -> None:
    backup.backup(place.settings, tmp_path / "saved")
    suppress(place, "late@editor.test")
    suppress(place, "erased@editor.test", "erased")
    with place.db.work() as uow:
        uow.session.execute(select(Suppression).where(col(Suppression.reason) == "erased")).scalar_one().value = None
    place.db.dispose()
    assert backup.restore(place.settings, tmp_path / "saved", force=True).kept == 2
    assert reason(place, "late@editor.test") == "unsubscribed"
    assert reason(place, "erased@editor.test") == "erased"


def test_of_another_installation_what_can_be_compared_is_kept(place: Place, tmp_path: Path) -> None:
    suppress(place, "early@editor.test")
    backup.backup(place.settings, tmp_path / "saved")
    with place.db.work() as uow:
        uow.session.execute(delete(SealedSecret))
        uow.session.execute(delete(Suppression))
    suppress(place, "late@editor.test")
    suppress(place, "erased@editor.test", "erased")
    with place.db.work() as uow:
        uow.session.execute(select(Suppression).where(col(Suppression.reason) == "erased")).scalar_one().value = None
    place.db.dispose()
    done = backup.restore(place.settings, tmp_path / "saved", force=True)
    assert (done.kept, done.lost) == (1, 1)
    assert [reason(place, f"{one}@editor.test") for one in ("early", "late")] == ["unsubscribed"] * 2


def test_the_journal_gives_copied_back_data_its_opt_outs_at_the_release(place: Place, tmp_path: Path) -> None:
    suppress(place, "early@editor.test")
    beat(place)
    with saved(place, tmp_path) as url:
        suppress(place, "late@editor.test")
        lines = beat(place)
        assert [line for line in lines if "editor.test" in line] == [], "no address leaves the database"
        assert beat(place) == lines, "what has not changed is not written again"
        assert journal.path_of(place.settings).stat().st_mode & 0o077 == 0
        place.clock.advance(place.settings.gate_budget)
        old = place.at(url)
        assert old.begin().skip is not None
        assert reason(old, "late@editor.test") is None
        beat(old)
        with old.container() as container:
            with container.db.read() as look:
                gap = journal.missing(look.session, container.vault, container.settings)
            assert (len(gap.rules), gap.newest) == (1, place.clock.now() - place.settings.gate_budget)
            assert releasing.release(container, actor="ana", despite_unread=True).opt_outs == 1
        assert reason(old, "late@editor.test") in WISHES
        assert reason(old, "other@editor.test") is None
        # The rules of the new generation, whose ids have been there before, are journaled as well.
        suppress(old, "next@editor.test")
        assert sum('"key"' in line for line in beat(old)) == 3


def test_a_rule_that_a_lead_has_lifted_does_not_come_back(place: Place) -> None:
    suppress(place, "early@editor.test")
    suppress(place, "late@editor.test")
    assert sum('"key"' in line for line in beat(place)) == 2
    with place.db.work() as uow:
        newest = suppression.newest(uow.session, limit=1)[0]
        suppression.remove(uow, newest.id, reason="a mistake", actor="lead", is_lead=True)
    suppress(place, "third@editor.test")
    assert sum('"key"' in line for line in beat(place)) == 2
    with place.db.read() as look:
        assert journal.missing(look.session, VAULT, place.settings).rules == ()


def test_a_damaged_or_missing_journal_stops_nothing(place: Place) -> None:
    suppress(place, "early@editor.test")
    path = journal.path_of(place.settings)
    for text in ("", "{}\n", "[1]\nnot json", '{"form": 1}\n'):
        path.write_text(text)
        assert journal.read(place.settings) is None or not journal.read(place.settings).rules  # type: ignore[union-attr]
        assert sum('"key"' in line for line in beat(place)) == 1
