"""Template versions that staff saved: the newest one of a name is used, else the file of the distribution."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from app.audit import service as audit
from app.db.work import UnitOfWork
from app.domain.said import say
from app.errors import Conflict
from app.mail.render.templates import TemplateSource, check_source, load
from app.models import TemplateVersion


def newest(uow: UnitOfWork, name: str) -> tuple[TemplateSource, str]:
    """The source to render `name` with, and its label ("coverage-gap@3", or "coverage-gap@file")."""
    source = load(name)
    row = uow.session.execute(
        select(TemplateVersion)
        .where(col(TemplateVersion.name) == name)
        .order_by(col(TemplateVersion.version).desc())
        .limit(1)
    ).scalar_one_or_none()
    if row is None:
        return source, f"{name}@file"
    return TemplateSource(row.subject, row.body_text, row.body_html), f"{name}@{row.version}"


def save(
    uow: UnitOfWork,
    name: str,
    source: TemplateSource,
    *,
    actor: str,
    note: str | None = None,
    after: int | None = None,
) -> TemplateVersion:
    """Keep `source` as the next version of `name`. Raises NotFound, BadInput with lines, and Conflict for a lost race.

    `after` is the version that was edited (0: the file); with it, a version that came between is a Conflict.
    """
    load(name)
    check_source(source)
    number = uow.session.execute(
        select(func.coalesce(func.max(TemplateVersion.version), 0)).where(col(TemplateVersion.name) == name)
    ).scalar_one()
    if after is not None and after != number:
        raise Conflict(
            say(
                "version {number} of '{name}' was saved meanwhile; look at it, then save yours again",
                number=number,
                name=name,
            )
        )
    row = TemplateVersion(
        name=name,
        version=number + 1,
        subject=source.subject,
        body_text=source.body_text,
        body_html=source.body_html,
        note=note,
        created_by=actor,
        created_at=uow.now(),
    )
    try:
        with uow.session.begin_nested():
            uow.session.add(row)
    except IntegrityError:
        raise Conflict(
            say(
                "somebody else saved version {number} of '{name}' at the same moment; look at it first",
                number=number + 1,
                name=name,
            )
        ) from None
    audit.record(
        uow, "template.saved", "template", name, name=name, after={"version": row.version}, reason=note, actor=actor
    )
    return row


def history(uow: UnitOfWork, name: str) -> list[TemplateVersion]:
    """The saved versions of a template, newest first."""
    return list(
        uow.session.execute(
            select(TemplateVersion)
            .where(col(TemplateVersion.name) == name)
            .order_by(col(TemplateVersion.version).desc())
        ).scalars()
    )
