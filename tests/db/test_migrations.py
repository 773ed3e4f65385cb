"""Migrations lose nothing: up, down and up again with data, on both databases; histories refuse to be changed."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import alembic
import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, select, text
from sqlalchemy.exc import DatabaseError
from sqlmodel import SQLModel, col

import app.models  # noqa: F401
from app.clock import FixedClock
from app.db import migrate
from app.db.engine import make_engine
from app.db.types import Said, SaidJson
from app.db.work import Database
from app.domain.blocking import Blocking
from app.domain.pipeline import Stage
from app.domain.ranking import rank_key
from app.domain.reputation import Incident
from app.domain.said import say
from app.models import (
    Folder,
    Inbound,
    InboundLocation,
    InboundState,
    MailboxIncident,
    Prospect,
    SendingDomain,
    SendingDomainCheck,
    Site,
    StageEvent,
    Triage,
    Unfetched,
)
from app.prospects import service as prospects
from app.settings import Settings
from tests.conftest import START
from tests.slices.test_outbox import World as Outbox
from tests.support.databases import Templates
from tests.support.ratings import percentile
from tests.support.world import a_mailbox, a_prospect, a_site


def test_the_folder_of_migrations_does_not_hide_the_library() -> None:
    assert "site-packages" in str(alembic.__file__)
    assert not (Path(__file__).parents[2] / "alembic" / "__init__.py").exists()


def test_code_and_migrations_agree(database_url: str) -> None:
    migrate.check(database_url)
    assert migrate.current(database_url) == migrate.head()


def seed(db: Database) -> None:
    with db.work() as uow:
        site = Site(name="Acme", domains=["acme.test"], brand_names=["Acme"], created_at=START)
        uow.session.add(site)
        uow.session.flush()
        for number in range(50):
            uow.session.add(
                Prospect(
                    site_id=site.id, domain=f"d{number}.test", created_at=START, updated_at=START, rank_key=str(number)
                )
            )
        uow.session.flush()
        uow.session.add(
            StageEvent(
                prospect_id=1, event="created", from_stage=Stage.PROSPECT, to_stage=Stage.PROSPECT, actor="t", at=START
            )
        )


def digest(url: str) -> dict[str, tuple[int, str]]:
    engine = make_engine(url)
    found: dict[str, tuple[int, str]] = {}
    with engine.connect() as connection:
        for table in inspect(connection).get_table_names():
            if table != "alembic_version":
                rows = sorted(repr(tuple(row)) for row in connection.execute(text(f"SELECT * FROM {table}")))
                found[table] = (len(rows), hashlib.sha256("\n".join(rows).encode()).hexdigest())
    engine.dispose()
    return found


def test_every_revision_goes_up_down_and_up_again_with_data(db: Database, database_url: str) -> None:
    seed(db)
    before = digest(database_url)
    assert before["prospect"][0] == 50
    # Upgrading a database that is current is a no-op, whatever it holds.
    migrate.upgrade(database_url)
    assert digest(database_url) == before
    script = ScriptDirectory.from_config(migrate._config())
    revisions = [revision.revision for revision in script.walk_revisions()]
    # Each step down is undone by its step up, so all of them are; from every one to the newest would take minutes.
    for revision in revisions[:-1]:  # the first revision makes the tables: below it there is no data to keep
        below = script.get_revision(revision).down_revision
        held = digest(database_url)
        migrate.downgrade(database_url, below)
        migrate.upgrade(database_url, revision)
        assert digest(database_url) == held, revision
        migrate.downgrade(database_url, below)
    migrate.upgrade(database_url)
    assert digest(database_url) == before
    migrate.downgrade(database_url, "base")
    assert digest(database_url) == {}
    migrate.upgrade(database_url)
    assert {name: count for name, (count, _) in digest(database_url).items()} == dict.fromkeys(
        SQLModel.metadata.tables, 0
    )


def test_a_list_whose_limit_is_not_known_stops_to_pass_for_a_whole_one(database_url: str) -> None:
    """What the column could not say stands in the reports; a pull knows whether it got everything, and its report did not say so."""
    from alembic.script import ScriptDirectory

    revisions = ScriptDirectory.from_config(migrate._config()).walk_revisions()
    before = next(one.down_revision for one in revisions if one.path.endswith("_unknown_limits.py"))
    migrate.downgrade(database_url, before)
    engine = make_engine(database_url)
    says = {"whole": False, "cut": True, "unknown": None}
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO site (id, name, domains, brand_names, languages, created_at, version) SELECT 1, 'Us', '[]', '[]', '[]', :at, 0"
            ),
            {"at": START.isoformat()},
        )
        for name, capped in [*says.items(), ("pulled", None)]:
            connection.execute(
                text(
                    "INSERT INTO snapshot (site_id, role, target, provider, format, filename, sha256, path, rows_read, rows_taken, rows_lost, "
                    "rows_rejected, capped, report, created_by, created_at) VALUES (1, 'ours', 'us.example', 'ahrefs', :format, :name, :name, "
                    "'x', 1, 1, 0, 0, :capped, :report, 'test', :at)"
                ),
                {
                    "name": name,
                    "format": "ahrefs-pull" if name == "pulled" else "ahrefs-refdomains",
                    "capped": bool(capped),
                    "report": json.dumps({"capped": capped}),
                    "at": START.isoformat(),
                },
            )

    def found() -> dict[str, bool | None]:
        with engine.begin() as connection:
            rows = connection.execute(text("SELECT filename, capped FROM snapshot")).all()
        return {row.filename: None if row.capped is None else bool(row.capped) for row in rows}

    migrate.upgrade(database_url, "0058")
    assert found() == {**says, "pulled": False}
    migrate.upgrade(database_url)
    # A file below the lowest limit of its tool may be filtered or a part; only a pull has seen that there is no more.
    assert found() == {**says, "whole": None, "pulled": False}
    migrate.downgrade(database_url, before)
    with engine.begin() as connection:
        assert {
            bool(value) for (value,) in connection.execute(text("SELECT capped FROM snapshot WHERE filename <> 'cut'"))
        } == {False}
    engine.dispose()
    migrate.upgrade(database_url)


def test_known_ratings_get_their_places_on_their_own_scales(db: Database, database_url: str) -> None:
    """Down and up again: what the migration computes in SQL is what the rules say, with the order of the queue."""
    from alembic.script import ScriptDirectory

    scales = {"ahrefs": [60.0, 70.5, 80.0], "moz": [5.0, 10.0, 10.0, 40.0], "dataforseo": [-3.0, 940.0], None: [50.0]}
    expected = {}
    with db.work() as uow:
        site = Site(name="Acme", domains=["acme.test"], brand_names=["Acme"], created_at=START)
        uow.session.add(site)
        uow.session.flush()
        for provider, ratings in scales.items():
            for number, rating in enumerate(ratings):
                share = percentile(rating, ratings) if provider else None
                rank = rank_key(
                    tier=1, mention=None, overlap=1, competitors=2, dofollow=True, percentile=share, first_seen=None
                )
                row = Prospect(
                    site_id=site.id, domain=f"{provider}-{number}.test", created_at=START, updated_at=START, rank_key=rank,
                    authority=rating, authority_provider=provider, authority_percentile=share,
                )  # fmt: skip
                uow.session.add(row)
                expected[row.domain] = (share, rank)
    revisions = ScriptDirectory.from_config(migrate._config()).walk_revisions()
    migrate.downgrade(
        database_url, next(one.down_revision for one in revisions if one.path.endswith("_percentiles.py"))
    )
    with db.read() as uow:
        was = {one.domain: one.rank_key for one in uow.session.execute(text("SELECT domain, rank_key FROM prospect"))}
    places = {"moz-3": "0600", "ahrefs-1": "0295", "None-0": "0500", "dataforseo-0": "1000", "dataforseo-1": "0000"}
    assert {name: was[f"{name}.test"][10:14] for name in places} == places
    assert {len(rank) for rank in was.values()} == {22}
    migrate.upgrade(database_url)
    with db.read() as uow:
        rows = uow.session.execute(text("SELECT domain, authority_percentile, rank_key FROM prospect"))
        assert {domain: (share, rank) for domain, share, rank in rows} == expected


def test_a_failing_migration_leaves_the_database_as_it_was(database_url: str) -> None:
    before = migrate.current(database_url)

    def broken(config: object) -> None:
        from alembic import command

        command.downgrade(config, "base")
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        migrate._migrate(database_url, broken)
    assert migrate.current(database_url) == before
    migrate.check(database_url)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_two_processes_that_start_together_migrate_once(kind: str, templates: Templates, tmp_path: Path) -> None:
    with templates.copy(kind, tmp_path) as url:
        migrate.downgrade(url, "base")
        errors: list[Exception] = []

        def go() -> None:
            try:
                migrate.upgrade(url)
            except Exception as error:
                errors.append(error)

        threads = [threading.Thread(target=go) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert migrate.current(url) == migrate.head()


@pytest.mark.parametrize("statement", ["UPDATE stage_event SET actor = 'x'", "DELETE FROM stage_event"])
def test_history_refuses_to_be_changed(db: Database, statement: str) -> None:
    seed(db)
    with pytest.raises(DatabaseError, match="append-only"), db.work() as uow:
        uow.session.execute(text(statement))


def test_a_child_row_survives_a_rebuilt_parent_table(database_url: str) -> None:
    """SQLite changes a table by copy and drop: with foreign keys on, that would delete the children."""
    from alembic.operations import Operations
    from alembic.runtime.migration import MigrationContext

    db = Database(database_url, None, None)  # type: ignore[arg-type]
    with db.work() as uow:
        uow.session.add(Site(name="Acme", domains=[], brand_names=[], created_at=START))
        uow.session.flush()
        uow.session.add(Prospect(site_id=1, domain="a.test", created_at=START, updated_at=START))
    db.dispose()

    def rebuild(config: object) -> None:
        connection = config.attributes["connection"]  # type: ignore[attr-defined]
        operations = Operations(MigrationContext.configure(connection))
        with operations.batch_alter_table("site", recreate="always" if "sqlite" in database_url else "never") as batch:
            batch.alter_column("name", nullable=False)

    migrate._migrate(database_url, rebuild)
    assert digest(database_url)["prospect"][0] == 1


def test_the_order_of_the_queue_gets_the_fit_that_is_known(db: Database, database_url: str) -> None:
    """The keys that the migration writes are those that the application writes."""
    with db.work() as uow:
        site = a_site(uow)
        for fit in (None, 0, 1, 42, 100):
            made = a_prospect(uow, site, f"fit-{fit}.test", tier=2, overlap=1, authority=50.0, fit=fit)
            prospects.rerank(made, 2)
        a_prospect(uow, site, "bare.test", rank_key="2")

    def keys() -> dict[str, str]:
        with db.read() as look:
            found = look.session.execute(text("SELECT domain, rank_key FROM prospect")).all()
        return {row.domain: row.rank_key for row in found}

    written = keys()
    assert len({written[f"fit-{fit}.test"] for fit in (None, 0, 1, 42, 100)}) == 5
    before = next(
        one.down_revision
        for one in ScriptDirectory.from_config(migrate._config()).walk_revisions()
        if one.path.endswith("_fit_in_the_order.py")
    )
    migrate.downgrade(database_url, before)
    assert len(set(keys().values())) == 2, "without the fit they stand at one place"
    migrate.upgrade(database_url)
    assert keys() == written


def test_what_waits_gets_the_moment_from_which_it_is_late(db: Database, database_url: str) -> None:
    hour = timedelta(hours=1)
    with db.work() as uow:
        mailbox, prospect = a_mailbox(uow), a_prospect(uow, a_site(uow), "editor.test")
        for number, (owner, stored, waits) in enumerate(
            (
                (prospect.id, START, True),
                (prospect.id, START + 2 * hour, True),
                (None, START, True),
                (None, START, False),
            )
        ):
            row = Inbound(
                mailbox_id=mailbox.id, content_key=str(number), size=1, stored_at=stored, state=InboundState.DONE,
                prospect_id=owner,
            )  # fmt: skip
            uow.session.add(row)
            uow.session.flush()
            uow.session.add(Triage(inbound_id=row.id, waits=waits, due_at=START + hour))
    before = next(
        one.down_revision
        for one in ScriptDirectory.from_config(migrate._config()).walk_revisions()
        if one.path.endswith("_late_at.py")
    )
    migrate.downgrade(database_url, before)
    migrate.upgrade(database_url)
    with db.read() as look:
        found = list(look.session.execute(select(Triage.late_at).order_by(col(Triage.inbound_id))).scalars())
    assert found == [START + hour, START + 2 * hour, None, None]


def test_of_the_reports_of_nobody_only_those_of_the_last_month_wait(db: Database, database_url: str) -> None:
    now = datetime.now(UTC)
    with db.work() as uow:
        mailbox = a_mailbox(uow)
        for kind, days in (("bounce", 40), ("bounce", 20), ("reply", 40)):
            uow.session.add(
                Inbound(
                    mailbox_id=mailbox.id, content_key=f"{kind}{days}", size=1, kind=kind, state=InboundState.DONE,
                    stored_at=now - timedelta(days=days),
                )
            )  # fmt: skip
    before = next(
        one.down_revision
        for one in ScriptDirectory.from_config(migrate._config()).walk_revisions()
        if one.path.endswith("_old_reports.py")
    )
    migrate.downgrade(database_url, before)
    migrate.upgrade(database_url)
    with db.read() as look:
        found = look.session.execute(select(Inbound).order_by(col(Inbound.id))).scalars()
        handled = [(row.handled_by, row.handled_at and row.handled_at >= now) for row in found]
    assert handled == [("upgrade", True), (None, None), (None, None)]


def test_before_messages_were_put_aside_the_cursor_stands_before_the_first_of_them(
    db: Database, database_url: str
) -> None:
    """The code of that time knows nothing of the table, and would pass over what lies in it for good."""
    with db.work() as uow:
        mailbox, prospect = a_mailbox(uow), a_prospect(uow, a_site(uow), "editor.test")
        folder = Folder(mailbox_id=mailbox.id, name="INBOX", role="inbox", next_uid=9, generation=1)
        uow.session.add(folder)
        uow.session.flush()
        for uid, generation in ((2, 0), (4, 1), (6, 1), (7, None)):
            row = Inbound(
                mailbox_id=mailbox.id, content_key=str(uid), size=1, stored_at=START, state=InboundState.QUARANTINED
            )
            uow.session.add(row)
            uow.session.flush()
            if generation is not None:
                places = {"folder_id": folder.id, "generation": generation, "uid": uid, "inbound_id": row.id}
                uow.session.add_all((Unfetched(**places, looks=4), InboundLocation(**places)))
            prospects.block(uow, prospect.id, Blocking.POSSIBLE_REPLY, inbound_id=row.id)
    before = next(
        one.down_revision
        for one in ScriptDirectory.from_config(migrate._config()).walk_revisions()
        if one.path.endswith("_unfetched.py")
    )
    migrate.downgrade(database_url, before)
    with db.read() as look:
        assert look.session.execute(text("SELECT next_uid FROM folder")).scalar_one() == 4
        assert look.session.execute(text("SELECT content_key FROM inbound")).scalars().all() == ["7"]
        assert look.session.execute(text("SELECT count(*) FROM blocking_event")).scalar_one() == 1
        assert look.session.execute(text("SELECT count(*) FROM inbound_location")).scalar_one() == 0
    migrate.upgrade(database_url)


def test_a_version_that_knows_no_sentences_is_given_texts(db: Database, database_url: str) -> None:
    """On the way down what is kept with its template becomes the English text: in every column that may hold it."""
    known = list(ScriptDirectory.from_config(migrate._config()).walk_revisions())
    revision = next(one for one in known if one.path.endswith("_sentences.py"))
    # A table that was made after it is gone before it on the way down.
    later = [Path(one.path).read_text(encoding="utf-8") for one in known if one.revision > revision.revision]
    made_later = {name for source in later for name in re.findall(r'create_table\(\s*"(\w+)"', source)}
    held = {
        (table.name, column.name)
        for table in SQLModel.metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, Said | SaidJson) and table.name not in made_later
    }
    lists = (revision.module.TEXTS, revision.module.JSONS)
    assert {(table, name) for one in lists for table, names in one.items() for name in names} == held
    said = say("it rests: {why}", why=say('the "server" of {host}', host="a.test"))
    with db.work() as uow:
        box, prospect = a_mailbox(uow, poll_error="plain"), a_prospect(uow, a_site(uow), "editor.test")
        box.paused_reason = said
        uow.session.add(
            StageEvent(
                prospect_id=prospect.id, event="noted", from_stage=Stage.PROSPECT, to_stage=Stage.PROSPECT, actor="t",
                at=START, data={"reason": said, "more": [{"why": said}, 7, "plain"]},
            )
        )  # fmt: skip
        uow.session.add(SendingDomain(domain="acme.test", due_at=START, created_at=START))
        uow.session.flush()
        uow.session.add(
            SendingDomainCheck(
                sending_domain_id=1, name="spf", position=0, state="ok", found=said, fix="", checked_at=START
            )
        )
    migrate.downgrade(database_url, revision.down_revision)
    text_of = 'it rests: the "server" of a.test'
    with db.read() as look:
        one = look.session.execute(text("SELECT paused_reason, poll_error FROM mailbox")).one()
        assert tuple(one) == (text_of, "plain")
        assert look.session.execute(text("SELECT found FROM sending_domain_check")).scalar_one() == text_of
        data = look.session.execute(text("SELECT data FROM stage_event WHERE event = 'noted'")).scalar_one()
        data = json.loads(data) if isinstance(data, str) else data
        assert data == {"reason": text_of, "more": [{"why": text_of}, 7, "plain"]}
        assert look.session.execute(text("SELECT count(*) FROM erasure")).scalar_one() == 0
    with pytest.raises(DatabaseError, match="append-only"), db.work() as uow:
        uow.session.execute(text("UPDATE stage_event SET actor = 'x'"))
    migrate.upgrade(database_url)


def test_a_version_that_counts_no_refusals_of_us_is_given_none(
    db: Database, database_url: str, settings: Settings, clock: FixedClock
) -> None:
    with db.work() as uow:
        a_mailbox(uow)
        a_site(uow)
    row = Outbox(db, settings, clock).enqueue()
    with db.work() as uow:
        for kind in (Incident.POLICY, Incident.SENDER_REFUSED):
            uow.session.add(MailboxIncident(mailbox_id=1, outbound_id=row, kind=kind, at=START))
    migrate.downgrade(database_url, "0059")
    with db.read() as look:
        assert look.session.execute(text("SELECT kind FROM mailbox_incident")).scalars().all() == ["policy"]
    migrate.upgrade(database_url)
