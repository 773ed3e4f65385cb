"""What the person at our client's desk does in the demo, through the same service calls as the pages and the API."""

from __future__ import annotations

from sqlalchemy import select
from sqlmodel import Session, col

from app.container import Container
from app.domain.pipeline import LostReason, Stage
from app.errors import Refused
from app.gaps import service as gaps
from app.inbox import service as inbox
from app.links import service as links
from app.mail import accounts
from app.mail.checks import examine
from app.mail.providers import Server
from app.models import Conversation, ConversationState, Inbound, Prospect, Security
from app.pitches import replacement
from app.pitches import service as pitches
from app.prospects import contacts
from app.prospects import service as prospects
from app.sandbox import cast, exports
from app.sandbox.world import World
from app.sequences import service as sequences
from app.sites import service as sites
from app.team import users

NAME, EMAIL = cast.OUR_NAME, f"lead@{cast.OUR_DOMAIN}"


# Prospects whose approved pitch is still on its way.
_OPEN = select(col(Conversation.prospect_id)).where(col(Conversation.state) == ConversationState.OPEN)


class Person:
    """The member of staff of the demo."""

    def __init__(self, container: Container, world: World) -> None:
        self._container = container
        self._world = world
        self.site_id = 0

    def set_up(self) -> list[str]:
        """Account, site, competitors, pages, sequence and mailbox."""
        container, mail = self._container, self._world.mail
        smtp = Server(mail.host, mail.smtp_port, Security.NONE)
        imap = Server(mail.host, mail.imap_port, Security.NONE)
        mailbox = accounts.draft(
            container.settings,
            email=cast.OUR_MAILBOX,
            from_name=NAME,
            username=None,
            password=self._world.password,
            smtp=smtp,
            imap=imap,
            # Shorter pauses than by default, because the demo moves its clock over each of them.
            gap_min_seconds=30,
            gap_max_seconds=60,
        )
        looked = examine(mailbox, container.settings)
        with self._container.db.work() as uow:
            users.create_first(uow, email=EMAIL, name=NAME, password=self._world.password)
            site = sites.create(
                uow,
                name=cast.BRAND,
                domains=[cast.OUR_DOMAIN],
                brand_names=[cast.BRAND],
                language="en",
                country="GB",
                sender_name=NAME,
                sender_role=f"Editor, {cast.BRAND}",
                postal_address=f"{cast.BRAND} Ltd, 4 Example Quay, Exampletown",
            )
            self.site_id = site.id
            for competitor in cast.COMPETITORS:
                sites.add_competitor(uow, site.id, competitor.domain, name=competitor.name)
            for page in cast.OUR_PAGES:
                sites.add_page(uow, site.id, page.url, title=page.title, topic=page.topic, summary=page.summary)
            sequences.ensure_starter(uow, site)
            accounts.add(uow, container.vault, mailbox)
        return [
            f"mailbox {cast.OUR_MAILBOX}, {line.name}: {line.found}"
            for line in looked.checks
            if line.name in ("smtp-sign-in", "inbox")
        ]

    def import_exports(self) -> list[str]:
        """Import every export into the pipeline."""
        container = self._container
        imported, counts, summary = gaps.import_and_refresh(
            container.db,
            self.site_id,
            [export.path for export in self._world.exports],
            folder=gaps.snapshot_folder(container.settings),
            actor=EMAIL,
        )
        told = []
        for one in imported:
            first = one.snapshots[0]
            lost = sum(snapshot.rows_lost for snapshot in one.snapshots)
            rows = f"{first.rows_read} rows" + (f", {lost} of them lost links" if lost else "")
            told.append(f"{first.filename}: {first.format}, {rows}")
        tiers = ", ".join(f"tier {tier}: {count}" for tier, count in sorted(summary["tiers"].items()))
        removed = ", ".join(f"{name} {count}" for name, count in sorted(summary["removed"].items()))
        return [*told, f"{counts['gaps']} gaps ({tiers}); taken off the list: {removed}"]

    def import_later(self) -> None:
        """Import newer exports, in which there are prospects that the story has not had."""
        container = self._container
        folder = self._world.exports[0].path.parent
        gaps.import_and_refresh(
            container.db,
            self.site_id,
            [export.path for export in exports.write_later(folder, self._world.clock.now())],
            folder=gaps.snapshot_folder(container.settings),
            actor=EMAIL,
        )

    def draft_all(self) -> list[str]:
        """Render a pitch for every checked prospect and leave it in the queue."""
        with self._container.db.read() as look:
            waiting = [(one.id, one.domain) for one in self._at(look.session, Stage.CHECKED_MENTION)]
        for prospect_id, _ in waiting:
            replacement.prepare(self._container, prospect_id, actor=EMAIL)
        return [domain for _, domain in waiting]

    def approve_first(self) -> None:
        """Approve the pitch to the best prospect of the queue."""
        with self._container.db.read() as look:
            first = self._at(look.session, Stage.CHECKED_MENTION)[0]
        self._approve(first.id, first.domain)

    def triage(self) -> list[str]:
        """Read what has come in and act on it: a no and a price are the end, on anything else their page is looked at.

        An opt-out has been obeyed already: it is only read.
        """
        with self._container.db.read() as look:
            rows = [
                (row.id, row.prospect_id, row.intent)
                for row in look.session.execute(
                    select(Inbound).where(col(Inbound.kind).in_(("reply", "opt-out"))).order_by(col(Inbound.id))
                ).scalars()
                if row.handled_at is None and row.prospect_id is not None
            ]
        told = []
        for row_id, prospect_id, intent in rows:
            if intent != "opt-out":
                told.append(self._act_on(prospect_id, intent))
            with self._container.db.work() as uow:
                inbox.mark_handled(uow, row_id, actor=EMAIL)
        return told

    def _act_on(self, prospect_id: int, intent: str | None) -> str:
        reasons = {"no": LostReason.DECLINED, "wants-payment": LostReason.WANTS_PAYMENT}
        with self._container.db.work() as uow:
            domain = prospects.get(uow, prospect_id).domain
            if intent in reasons:
                prospects.give_up(uow, prospect_id, reasons[intent], actor=EMAIL)
                return f"{domain}: given up by {NAME}, {reasons[intent]}"
        sighting = links.look_for_link(self._container, prospect_id, actor=EMAIL)
        return f"{domain}: {NAME} lets their page be looked at, the link is {'there' if sighting.seen else 'not there'}"

    def find_contacts(self) -> list[str]:
        """Read each prospect's contact page and note the address with its source."""
        found = []
        with self._container.db.work() as uow:
            for prospect in self._at(uow.session, Stage.CHECKED_MENTION):
                editor = next((one for one in cast.EVERYBODY if one.domain == prospect.domain), None)
                if editor is not None:
                    source = f"http://{editor.domain}/contact"
                    contacts.add(
                        uow,
                        self._container.vault,
                        prospect.id,
                        editor.address,
                        name=editor.name,
                        source_url=source,
                        actor=EMAIL,
                    )
                    found.append(editor.domain)
        return [f"{len(found)} contacts noted, each with the page that shows the address"]

    def drop_unwinnable(self) -> list[str]:
        """Give up what a look shows to be no editor's page: directories, forums, link lists."""
        noise = {one.domain for one in cast.NOISE}
        with self._container.db.work() as uow:
            dropped = [one for one in self._at(uow.session, Stage.CHECKED_MENTION) if one.domain in noise]
            for prospect in dropped:
                prospects.give_up(uow, prospect.id, LostReason.UNWINNABLE, actor=EMAIL)
        return [f"{prospect.domain}: given up, this is no editor's page" for prospect in dropped]

    def approve_all(self) -> list[str]:
        """Render, read and approve a pitch for every checked prospect."""
        with self._container.db.read() as look:
            waiting = [(one.id, one.domain) for one in self._at(look.session, Stage.CHECKED_MENTION)]
            queued = set(look.session.execute(_OPEN).scalars().all())
        return [self._approve(number, domain) for number, domain in waiting if number not in queued]

    def _approve(self, prospect_id: int, domain: str) -> str:
        container = self._container
        pitch = replacement.prepare(container, prospect_id, actor=EMAIL)
        pitch_id, version, angle, why = pitch.id, pitch.version, pitch.angle, pitch.why
        try:
            with container.db.work() as uow:
                pitches.approve(uow, container.vault, container.settings, pitch_id, version, actor=EMAIL)
        except Refused as refusal:
            return f"{domain}: not approved ({', '.join(skip.reason for skip in refusal.skips)})"
        return f"{domain}: {angle} approved. {why}"

    def _at(self, session: Session, stage: Stage) -> list[Prospect]:
        statement = select(Prospect).where(col(Prospect.stage) == stage, col(Prospect.site_id) == self.site_id)
        return list(session.execute(statement.order_by(col(Prospect.rank_key), col(Prospect.id))).scalars())
