"""How far the verification of a site's graph domains is, and stopping it. The rows are the run: what is due is what waits for a worker."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select, update
from sqlmodel import col

from app.audit import service as audit
from app.db.work import UnitOfWork
from app.domain.pipeline import Stage
from app.domain.verification import Verification
from app.models import Prospect
from app.sites import service as sites


@dataclass(frozen=True, slots=True)
class Verifications:
    """Counts of domains: `waiting` are asked for and not looked at yet, `unasked` wait for somebody to ask; then the verdicts."""

    waiting: int
    unasked: int
    verified: int
    not_found: int
    could_not_check: int
    accepted: int


def state(uow: UnitOfWork, site_id: int) -> Verifications:
    """The counts of a site. Raises NotFound."""
    sites.get(uow, site_id)
    rows = uow.session.execute(
        select(col(Prospect.verification), col(Prospect.verify_due_at).is_not(None), func.count())
        .where(col(Prospect.site_id) == site_id, col(Prospect.verification).is_not(None))
        .group_by(col(Prospect.verification), col(Prospect.verify_due_at).is_not(None))
    ).all()

    def of(*verdicts: Verification, due: bool | None = None) -> int:
        return sum(count for verdict, is_due, count in rows if verdict in verdicts and due in (None, bool(is_due)))

    return Verifications(
        waiting=of(*Verification, due=True),
        unasked=of(Verification.TO_VERIFY, due=False),
        verified=of(Verification.VERIFIED),
        not_found=of(Verification.NOT_FOUND),
        could_not_check=of(Verification.COULD_NOT_CHECK),
        accepted=of(Verification.ACCEPTED),
    )


def results(uow: UnitOfWork, site_id: int, limit: int = 20) -> list[Prospect]:
    """The domains that were looked at last, the latest first."""
    looked_at = (Verification.VERIFIED, Verification.NOT_FOUND, Verification.COULD_NOT_CHECK)
    statement = select(Prospect).where(
        col(Prospect.site_id) == site_id,
        col(Prospect.stage) == Stage.PROSPECT,
        col(Prospect.verification).in_(looked_at),
    )
    return list(
        uow.session.execute(
            statement.order_by(col(Prospect.updated_at).desc(), col(Prospect.id).desc()).limit(limit)
        ).scalars()
    )


def stop(uow: UnitOfWork, site_id: int, *, actor: str) -> int:
    """Look at none of the waiting domains of a site any more; how many. A look that goes on ends with its verdict. Raises NotFound."""
    sites.get(uow, site_id)
    waiting = (col(Prospect.site_id) == site_id, col(Prospect.verify_due_at).is_not(None))
    count = uow.session.execute(select(func.count()).select_from(Prospect).where(*waiting)).scalar_one()
    uow.session.execute(
        update(Prospect).where(*waiting).values(verify_due_at=None).execution_options(synchronize_session=False)
    )
    uow.session.expire_all()
    audit.record(uow, "gap.verification-stopped", "site", site_id, after={"domains": count}, actor=actor)
    return int(count)
