"""Suppression is final: every kind of rule, by site, at every door and in the sender's commit; lists in and out."""

from __future__ import annotations

import csv
import io
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import func, select, text, update
from sqlmodel import col

from app.clock import FixedClock
from app.db.vault import Vault
from app.db.work import Database
from app.domain.delivery import OutboundState
from app.domain.pipeline import Stage
from app.domain.suppression_rules import MOST_PATTERNS
from app.errors import BadInput, Conflict, NotAllowed, Refused, Unavailable
from app.mail import sealed
from app.models import AuditEvent, Mailbox, OutboundKind, Site, Suppression, SuppressionKind, SuppressionRemoval
from app.outbox import service
from app.outbox.delivery import drain
from app.prospects import contacts, suppression, suppression_files
from app.prospects.suppression_files import Defaults
from app.settings import Settings
from tests.support.smtp_sink import Sink, sink
from tests.support.soak import part
from tests.support.world import VAULT, a_contact, a_conversation, a_mailbox, a_prospect, a_site

DEFAULTS = Defaults(reason="imported", source="list.csv", actor="ana")


def say_no(db: Database, value: str, kind: SuppressionKind, site_id: int | None = None, reason: str = "asked") -> int:
    with db.work() as uow:
        made = suppression.suppress(
            uow, VAULT, value, kind=kind, reason=reason, source="test", actor="ana", site_id=site_id
        )
        return made.id


def stopped(db: Database, address: str, site_id: int | None = None, vault: Vault = VAULT) -> bool:
    with db.read() as uow:
        return suppression.refusal(uow.session, vault, address, site_id) is not None


@pytest.mark.parametrize(
    ("kind", "value", "yes", "no"),
    [
        (
            SuppressionKind.ADDRESS,
            "Dana.Ruiz+x@GoogleMail.com",
            ["danaruiz@gmail.com", "d.anaruiz+y@gmail.com"],
            ["danaruiz@mail.test"],
        ),
        (SuppressionKind.ADDRESS, "dana@bücher.test", ["DANA@xn--bcher-kva.test"], ["tom@bücher.test"]),
        (SuppressionKind.DOMAIN, "blog.shop.test", ["a@shop.test", "b@x.y.shop.test"], ["a@shop.example"]),
        (SuppressionKind.HOST, "blog.shop.test", ["a@blog.shop.test", "a@x.blog.shop.test"], ["a@shop.test"]),
        (
            SuppressionKind.PATTERN,
            "*@press.*",
            ["a@press.test", "b+c@PRESS.example"],
            ["press@a.test", "a@xpress.test"],
        ),
        (SuppressionKind.PATTERN, "no_reply*@*", ["no_reply1@a.test"], ["noXreply@a.test"]),
        (SuppressionKind.PATTERN, "dana+shop@*", ["dana+shop@a.test"], ["dana@a.test"]),
    ],
)
def test_each_kind_of_rule_matches_what_it_says(
    db: Database, kind: SuppressionKind, value: str, yes: list[str], no: list[str]
) -> None:
    say_no(db, value, kind)
    assert [address for address in yes if not stopped(db, address)] == []
    assert [address for address in no if stopped(db, address)] == []


def test_a_rule_of_one_site_holds_there_only_and_the_test_names_it(db: Database) -> None:
    with db.work() as uow:
        one, two = a_site(uow), a_site(uow, name="Other", domains=["other.test"])
    mine = say_no(db, "dana@editor.test", SuppressionKind.ADDRESS, one.id)
    glob = say_no(db, "dana@*", SuppressionKind.PATTERN, one.id)
    assert stopped(db, "dana@editor.test", one.id)
    assert not stopped(db, "dana@editor.test", two.id)
    assert not stopped(db, "dana@editor.test")
    with db.read() as uow:
        found = suppression.rules_against(uow.session, VAULT, "dana@editor.test", one.id)
        assert [(rule.id, rule.site_id) for rule in found] == [(mine, one.id), (glob, one.id)]
        assert "for site" in suppression.sentence(found[0])


def test_the_hashes_outlive_a_new_key_and_sending_fails_closed_without_it(db: Database) -> None:
    say_no(db, "dana@editor.test", SuppressionKind.ADDRESS)
    assert sealed.rotate(db, Vault(["new", "test-key"])).stuck == ()
    assert stopped(db, "dana@editor.test", vault=Vault(["new"]))
    with pytest.raises(Unavailable, match="GAPBRIDGE_SECRET_KEY"):
        stopped(db, "dana@editor.test", vault=Vault(["other"]))


def test_rules_of_a_former_version_move_to_the_lasting_key(db: Database) -> None:
    with db.work() as uow:
        key = VAULT.keyed_hashes("suppression", "address:old@editor.test")[0]
        uow.session.add(
            Suppression(
                key=key,
                kind=SuppressionKind.ADDRESS,
                value="old@editor.test",
                reason="unsubscribed",
                source="",
                created_by="x",
                created_at=uow.now(),
            )
        )
    assert stopped(db, "old@editor.test")
    say_no(db, "else@editor.test", SuppressionKind.ADDRESS)
    assert stopped(db, "old@editor.test")
    with db.read() as uow:
        assert uow.session.execute(select(func.count()).where(col(Suppression.key) == key)).scalar_one() == 0


def test_a_wish_is_lifted_by_a_lead_with_a_reason_and_on_record(db: Database) -> None:
    bounced = say_no(db, "dana@editor.test", SuppressionKind.ADDRESS, reason="bounced")
    # The wish that comes after the bounce counts.
    assert say_no(db, "dana@editor.test", SuppressionKind.ADDRESS, reason="unsubscribed") == bounced
    with db.work() as uow, pytest.raises(NotAllowed):
        suppression.remove(uow, bounced, reason="she asked", actor="tom", is_lead=False)
    with db.work() as uow, pytest.raises(BadInput):
        suppression.remove(uow, bounced, reason="  ", actor="lea", is_lead=True)
    assert stopped(db, "dana@editor.test")
    with db.work() as uow:
        suppression.remove(uow, bounced, reason="she wrote to us on 3 May", actor="lea", is_lead=True)
    assert not stopped(db, "dana@editor.test")
    with db.read() as uow:
        kept = uow.session.execute(select(SuppressionRemoval)).scalar_one()
        assert (kept.reason_was, kept.reason, kept.removed_by) == ("unsubscribed", "she wrote to us on 3 May", "lea")
        assert "dana" not in repr(kept)


def test_an_imported_wish_takes_the_place_of_a_bounce(db: Database) -> None:
    bounced = say_no(db, "dana@editor.test", SuppressionKind.ADDRESS, reason="bounced")
    say_no(db, "kim@editor.test", SuppressionKind.ADDRESS, reason="unsubscribed")
    lines = (
        "email,reason\nDana@editor.test,unsubscribed\nkim@editor.test,bounced\n"
        "new@editor.test,bounced\nnew@editor.test,unsubscribed\n"
    )
    report = suppression_files.import_stream(db, VAULT, io.StringIO(lines), DEFAULTS)
    assert (report.added, report.known) == (1, 3)
    with db.read() as uow:
        reasons = {row.value: row.reason for row in uow.session.execute(select(Suppression)).scalars()}
    assert set(reasons.values()) == {"unsubscribed"}
    with db.work() as uow, pytest.raises(NotAllowed):
        suppression.remove(uow, bounced, reason="her server works again", actor="tom", is_lead=False)
    with db.read() as uow:
        changed = uow.session.execute(select(AuditEvent).where(col(AuditEvent.verb) == "suppression.changed")).scalars()
        assert {line.actor for line in changed} == {"ana"}


def test_patterns_are_bounded(db: Database) -> None:
    lines = "".join(f"p{number}*@x.test\n" for number in range(MOST_PATTERNS + 3))
    report = suppression_files.import_stream(db, VAULT, io.StringIO(lines), DEFAULTS)
    assert (report.added, report.rejected_count) == (MOST_PATTERNS, 3)
    with pytest.raises(Conflict, match="patterns already"):
        say_no(db, "one-more*@x.test", SuppressionKind.PATTERN)
    again = suppression_files.import_stream(db, VAULT, io.StringIO(lines), DEFAULTS)
    assert (again.added, again.known, again.rejected_count) == (0, MOST_PATTERNS, 3)


def test_a_suppressed_address_is_not_stored_as_a_contact_again(db: Database) -> None:
    with db.work() as uow:
        prospect = a_prospect(uow, a_site(uow))
    say_no(db, "*@editor.test", SuppressionKind.PATTERN, prospect.site_id)
    with db.work() as uow, pytest.raises(Refused):
        contacts.add(uow, VAULT, prospect.id, "dana@editor.test", actor="ana")


# --- the sender ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Gate:
    current: bool = True
    reason: str = ""
    seen_event_id: int = 0

    def __call__(self, mailbox_id: int) -> Gate:
        return self


@pytest.fixture
def smtp() -> Iterator[Sink]:
    with sink() as running:
        yield running


def enqueue(db: Database, settings: Settings, domain: str, port: int, who: str = "dana") -> int:
    with db.work() as uow:
        site = uow.session.get(Site, 1) or a_site(uow)
        mailbox = uow.session.get(Mailbox, 1) or a_mailbox(uow, smtp_port=port, polled_at=uow.now())
        prospect = a_prospect(uow, site, domain, stage=Stage.CHECKED_MENTION)
        return service.enqueue(
            uow,
            VAULT,
            settings,
            conversation=a_conversation(uow, prospect, a_contact(uow, prospect, f"{who}@{domain}"), mailbox),
            kind=OutboundKind.PITCH,
            subject="Your checklist",
            body_text="Hello,\n\nyour page names us.\n",
            body_html=None,
            approved_by="ana",
            not_before=uow.now(),
        ).id


RULES = [
    ("dana@editor.test", SuppressionKind.ADDRESS, None),
    ("dana@editor.test", SuppressionKind.ADDRESS, 1),
    ("editor.test", SuppressionKind.DOMAIN, None),
    ("editor.test", SuppressionKind.HOST, 1),
    ("*@editor.*", SuppressionKind.PATTERN, None),
    ("d?na@*", SuppressionKind.PATTERN, 1),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule[1]}-{rule[2]}")
def test_a_rule_that_comes_after_the_354_stops_the_mail_at_its_commit(
    db: Database,
    settings: Settings,
    smtp: Sink,
    rule: tuple[str, SuppressionKind, int | None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    row_id = enqueue(db, settings, "editor.test", smtp.port)
    from app.mail.smtp import SmtpSession

    data = SmtpSession.data

    async def late(self: SmtpSession) -> None:
        await data(self)
        say_no(db, *rule)

    monkeypatch.setattr(SmtpSession, "data", late)
    drain(db, settings, VAULT, Gate(), 1)
    assert smtp.messages == []
    with db.read() as uow:
        row = service.get(uow, row_id)
        assert row.state is OutboundState.CANCELLED
        assert "must not be written to" in (row.hold_reason or "")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule[1]}-{rule[2]}")
def test_a_rule_that_stands_already_takes_the_mail_out_without_a_connection(
    db: Database, settings: Settings, smtp: Sink, rule: tuple[str, SuppressionKind, int | None]
) -> None:
    row_id = enqueue(db, settings, "editor.test", smtp.port)
    say_no(db, *rule)
    report = drain(db, settings, VAULT, Gate(), 1)
    assert (report.tried, smtp.messages, smtp.connections) == (0, [], 0)
    with db.read() as uow:
        row = service.get(uow, row_id)
        assert row.state is OutboundState.CANCELLED
        assert "must not be written to" in (row.hold_reason or "")
    # The next one in the queue is not held up by it.
    other = enqueue(db, settings, "paper.test", smtp.port, "lee")
    assert drain(db, settings, VAULT, Gate(), 1).sent == 1
    with db.read() as uow:
        assert service.get(uow, other).state is OutboundState.SENT


def test_a_rule_of_another_site_stops_nothing(db: Database, settings: Settings, smtp: Sink) -> None:
    enqueue(db, settings, "editor.test", smtp.port)
    with db.work() as uow:
        other = a_site(uow, name="Other", domains=["other.test"]).id
    say_no(db, "dana@editor.test", SuppressionKind.ADDRESS, other)
    say_no(db, "*@editor.test", SuppressionKind.PATTERN, other)
    drain(db, settings, VAULT, Gate(), 1)
    assert len(smtp.messages) == 1


def test_no_mail_commits_after_the_suppression_has(
    db: Database, settings: Settings, smtp: Sink, clock: FixedClock
) -> None:
    """A sender and opt-outs at the same time: what left had been committed before its opt-out was."""
    rows = [enqueue(db, settings, f"e{number}.test", smtp.port) for number in range(30)]
    begun = threading.Event()
    done: dict[str, float] = {}

    def opt_out() -> None:
        begun.wait(20)
        for number in reversed(range(30)):
            say_no(db, f"e{number}.test", SuppressionKind.DOMAIN)
            with db.read() as uow:
                state = service.get(uow, rows[number]).state
            # Seen right after the opt-out has committed: still waiting means that it must never leave.
            done[f"dana@e{number}.test"] = state in (OutboundState.QUEUED, OutboundState.CLAIMED)

    thread = threading.Thread(target=opt_out)
    thread.start()
    begun.set()
    drain(db, settings, VAULT, Gate(), 1)
    thread.join()
    drain(db, settings, VAULT, Gate(), 1)
    left = {recipient for _, to, _ in smtp.messages for recipient in to}
    assert not [address for address, waiting in done.items() if waiting and address in left]


# --- files ----------------------------------------------------------------------------------------------------------------

LAYOUTS = {
    "plain": "dana@editor.test\nshop.test\n*@press.*\n",
    "headed": "Email Address,First Name,Status\ndana@editor.test,Dana,unsubscribed\nshop.test,,\n*@press.*,,\n",
    "semicolons": "Name;E-Mail;Grund\nDana;dana@editor.test;x\nShop;shop.test;\nP;*@press.*;\n",
    "tabs, no header": "1\tdana@editor.test\n2\tshop.test\n3\t*@press.*\n",
    "comments and blanks": "# our list\n\ndana@editor.test\n\nshop.test\n*@press.*\n",
    "own export": "kind,value,site,reason\naddress,dana@editor.test,,x\ndomain,shop.test,,x\npattern,*@press.*,,x\n",
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_any_layout_is_recognised_and_twice_is_a_no_op(db: Database, tmp_path: Path, name: str) -> None:
    path = tmp_path / "list.csv"
    path.write_text(LAYOUTS[name])
    report = suppression_files.import_file(db, VAULT, path, DEFAULTS)
    assert (report.rows, report.added, report.rejected) == (3, 3, [])
    assert all(stopped(db, address) for address in ("dana@editor.test", "a@shop.test", "a@press.test"))
    again = suppression_files.import_file(db, VAULT, path, DEFAULTS)
    assert (again.added, again.known) == (0, 3)


def test_rows_that_cannot_be_used_are_listed_with_line_and_fix(db: Database, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(
        "email,site\nok@editor.test,\nnot an address,\n@,\na@b@c*,\nx@y.test,Nowhere\nco.uk,\n".encode("utf-16")
    )
    report = suppression_files.import_file(db, VAULT, path, DEFAULTS)
    assert (report.rows, report.added, report.rejected_count) == (6, 1, 5)
    assert [row.line for row in report.rejected] == [3, 4, 5, 6, 7]
    assert "no site 'Nowhere'" in report.rejected[3].problem
    assert "a pattern is compared" in report.rejected[2].problem


def test_a_mapping_names_the_columns(db: Database, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("A,B,C\nx,y,dana@editor.test\n")
    report = suppression_files.import_file(db, VAULT, path, DEFAULTS, mapping={"value": "3", "reason": "B"})
    assert report.columns == {"value": "C", "reason": "B"}
    assert stopped(db, "dana@editor.test")
    with pytest.raises(BadInput, match="no column 'Z'"):
        suppression_files.import_file(db, VAULT, path, DEFAULTS, mapping={"value": "Z"})


def test_an_export_goes_back_in_and_runs_in_no_spreadsheet(db: Database, tmp_path: Path) -> None:
    say_no(db, "+cmd@editor.test", SuppressionKind.ADDRESS, reason="=HYPERLINK(1)")
    erased = say_no(db, "gone@editor.test", SuppressionKind.ADDRESS, reason="unsubscribed")
    with db.work() as uow:
        uow.session.execute(update(Suppression).where(col(Suppression.id) == erased).values(value=None))
    out = io.StringIO()
    suppression_files.write_csv(suppression_files.export_rows(db), out)
    cells = [cell for row in csv.reader(io.StringIO(out.getvalue())) for cell in row]
    assert "'+cmd@editor.test" in cells
    assert not [cell for cell in cells if cell[:1] in tuple("=+-@")]
    with db.work() as uow:
        uow.session.execute(text("DELETE FROM suppression"))
    report = suppression_files.import_stream(db, VAULT, io.StringIO(out.getvalue()), DEFAULTS)
    assert (report.added, report.rejected_count) == (2, 0)
    assert stopped(db, "+cmd@editor.test")
    assert stopped(db, "gone@editor.test")


@pytest.mark.soak
def test_a_million_rows_in_bounded_memory(db: Database, tmp_path: Path) -> None:
    import resource

    rows, path = part(1_000_000), tmp_path / "big.csv"
    with path.open("w") as out:
        out.write("email\n")
        out.writelines(f"person{number}@site{number % 5000}.test\n" for number in range(rows))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    report = suppression_files.import_file(db, VAULT, path, DEFAULTS)
    assert report.added == rows
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"{rows:,} rows: {grown:.0f} MB more at the peak")  # noqa: T201
    assert grown < 200
