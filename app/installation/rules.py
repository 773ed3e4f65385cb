"""Rules of the installation that staff set on its page: kept in the database, and laid over the settings of each process.

What the environment says goes before: whoever runs the installation has decided there, and a page cannot know better. Only rules that
are looked up anew each time they are needed can be kept here. What opens the database, what waiting mail hangs on and what a process
is built with stays outside.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError
from pydantic_settings import SettingsConfigDict
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from app.audit import service as audit
from app.db.work import Database, UnitOfWork
from app.domain.said import say
from app.errors import BadInput, Difference, FieldProblem, Stale
from app.log import get_logger
from app.models import InstallationRule
from app.settings import Settings

log = get_logger("installation.rules")

#: What can be kept, by name of the setting, with the unit in which people say it.
SAVABLE: Mapping[str, timedelta | str] = {
    "undo_window": timedelta(seconds=1),
    "ramp_start": "",
    "ramp_step": "",
    "contact_cooldown_days": "",
    "bounce_pause_rate": "%",
    "complaint_pause_rate": "%",
    "reply_hours": "",
    "reply_within": timedelta(hours=1),
    "reply_within_later": timedelta(hours=1),
    "classify_within": timedelta(hours=1),
    "paid_links": "",
    "not_now_days": "",
    "agreed_days": "",
    "link_check_interval": timedelta(hours=1),
    "link_lost_after": timedelta(hours=1),
    "keep_raw_mail_days": "",
}
EVERY_SECONDS = 20.0


class Rules:
    """The settings of a process: what it was started with, and over it what staff have kept.

    `outside` are the names that the environment (or the file .env) has set, `saved` those that hold as staff have kept them.
    """

    def __init__(self, started: Settings) -> None:
        self._started = started
        self._kept: dict[str, tuple[str, datetime]] = {}
        self.outside = frozenset(started.model_fields_set)
        self.saved: frozenset[str] = frozenset()
        self.settings = started

    def refresh(self, db: Database) -> None:
        """Read what is kept. Where the database is away or empty, what was read before goes on to hold."""
        try:
            with db.read() as uow:
                found = {
                    row.name: (row.value, row.saved_at)
                    for row in uow.session.execute(select(InstallationRule)).scalars()
                }
        except SQLAlchemyError as error:
            log.warning("rules.unread", error=type(error).__name__)
            return
        if found != self._kept:
            self._lay_over({name: value for name, (value, _at) in found.items()})
            self._kept = found

    def _lay_over(self, kept: Mapping[str, str]) -> None:
        values = {}
        for name, text in kept.items():
            # A rule of another version, or one that the environment has set since.
            if name not in SAVABLE or name in self.outside:
                continue
            try:
                values[name] = checked(name, text)
            except ValueError:
                log.warning("rules.unusable", name=name)
        self.saved = frozenset(values)
        self.settings = self._started.model_copy(update=values)


def checked(name: str, text: str) -> Any:
    """The value of a setting, of a text as in the environment. Raises ValueError with a sentence for people."""
    one = _OneByOne.model_construct()
    try:
        setattr(one, name, text)
    except (ValidationError, OverflowError):
        raise ValueError(_wanted(name)) from None
    return getattr(one, name)


class _OneByOne(Settings):
    """Checks the one field that is set: making all of them takes as long as a page, and a form has a dozen."""

    model_config = SettingsConfigDict(frozen=False, validate_assignment=True)


def _wanted(name: str) -> str:
    """What the field of a rule takes, with the bounds of the setting in the unit in which people say it."""
    if name == "reply_hours":
        return say("Enter hours such as 09:00-17:00, in the mailbox's time zone, or always")
    field = Settings.model_fields[name]
    bounds = {kind: getattr(one, kind) for one in field.metadata for kind in ("ge", "gt", "le") if hasattr(one, kind)}
    if "le" not in bounds:
        return say("Choose one of the list")
    least, most = said(name, bounds.get("ge", bounds.get("gt"))), said(name, bounds["le"])
    if "gt" in bounds:
        return say("Enter a number above {least} and at most {most}", least=least, most=most)
    if SAVABLE[name] != "":
        return say("Enter a number between {least} and {most}", least=least, most=most)
    if name == "ramp_start":
        return say("Enter a whole number between {least} and {most}, or none", least=least, most=most)
    return say("Enter a whole number between {least} and {most}", least=least, most=most)


def said(name: str, value: Any) -> str:
    """A value as people enter it, in the unit of the rule."""
    unit = SAVABLE[name]
    if isinstance(unit, timedelta):
        return _figure(value / unit)
    if unit == "%":
        return _figure(value * 100)
    return "none" if value is None else str(value)


def _figure(value: float) -> str:
    # As many digits as a float keeps: what is shown and saved again is the same.
    return f"{value:.15g}"


def _as_text(name: str, given: str) -> str:
    """What people entered as a text as in the environment."""
    unit = SAVABLE[name]
    if unit == "":
        return given
    try:
        figure = float(given.replace(",", "."))
    except ValueError:
        raise ValueError(_wanted(name)) from None
    return repr(figure * unit.total_seconds()) if isinstance(unit, timedelta) else repr(figure / 100)


def _stored(value: Any) -> str:
    """A value as a text as in the environment: short, whatever people have entered for it."""
    if isinstance(value, timedelta):
        return repr(value.total_seconds())
    return "none" if value is None else str(value)


def _standing(rows: Mapping[str, InstallationRule], name: str) -> Any:
    """The value that is kept, else the default: also where this version refuses what another one has kept."""
    try:
        return checked(name, rows[name].value)
    except (KeyError, ValueError):
        return Settings.model_fields[name].default


def save(uow: UnitOfWork, rules: Rules, given: Mapping[str, str], read: Mapping[str, str]) -> None:
    """Keep rules. `given` is what people entered, by name; `read` is what they had read: the same is no wish, and is left as it is.

    Names that the environment has set are left alone. A rule that is the default again has no row. Raises BadInput with each field,
    and Stale where somebody else has saved something else meanwhile. `rules.refresh` makes it hold in this process.
    """
    rows = {row.name: row for row in uow.session.execute(select(InstallationRule).with_for_update()).scalars()}
    given = {
        name: " ".join(text.split())
        for name, text in given.items()
        if name in SAVABLE and name not in rules.outside and text.strip() != read.get(name)
    }
    problems, after = [], {}
    for name, text in given.items():
        try:
            after[name] = checked(name, _as_text(name, text))
        except (ValueError, OverflowError) as error:
            problems.append(FieldProblem(name, str(error)))
    if problems:
        raise BadInput(say("the rules cannot be saved with these values"), *problems)
    defaults = {name: Settings.model_fields[name].default for name in after}
    before = {name: _standing(rows, name) for name in after}
    differs = [
        Difference(name, said(name, before[name]), given[name])
        for name in after
        if read.get(name) != said(name, before[name]) and after[name] != before[name]
    ]
    if differs:
        raise Stale(say("somebody else changed the rules meanwhile; yours are not saved yet"), 0, *differs)
    try:
        with uow.session.begin_nested():
            for name, value in after.items():
                row = rows.get(name)
                if value == defaults[name]:
                    if row is not None:
                        uow.session.delete(row)
                elif value != before[name]:
                    row = row or InstallationRule(name=name, value="", saved_by="", saved_at=uow.now())
                    row.value, row.saved_by, row.saved_at = _stored(value), uow.actor, uow.now()
                    uow.session.add(row)
    except IntegrityError:
        # Somebody else has kept the first value of a rule since: there was no row to lock, and now there is.
        save(uow, rules, given, read)
        return
    audit.record(uow, "installation.ruled", "installation", name="", before=before, after=after)
    uow.session.flush()
