"""A site with prospects in every state that the pages show."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import select

from app.domain.delivery import OutboundState
from app.domain.language import LanguageSource
from app.domain.mention_verdict import MentionVerdict
from app.domain.pipeline import Stage
from app.inbox import triage
from app.models import (
    Competitor,
    Conversation,
    Folder,
    ImportJob,
    ImportKind,
    ImportState,
    Inbound,
    InboundState,
    KeptRemoval,
    Link,
    LinkState,
    MentionCheck,
    Outbound,
    Prospect,
    RemovedGap,
)
from app.pitches import service as pitches
from app.prospects import service as prospects
from tests.support.http import House
from tests.support.world import a_contact, a_mailbox, a_page, a_prospect, a_site

DOMAINS = ("growth-notes.test", "dev-digest.test", "ops-review.test", "data-weekly.test", "cloud-journal.test")
QUOTE = "Teams such as Acme run this checklist every quarter, and it shows in their numbers."


def furnish(house: House, *, more: int = 0) -> dict[str, int]:
    """Rows for every page; returns ids by name. The first prospects have drafts that may be approved."""
    vault, settings = house.container.vault, house.container.settings
    ids: dict[str, int] = {}
    with house.db.work() as uow:
        site = a_site(uow)
        for name in ("alpha.test", "beta.test", "gamma.test"):
            uow.session.add(Competitor(site_id=site.id, domain=name, created_at=uow.now()))
        page = a_page(uow, site)
        a_page(uow, site, url="https://acme.test/guides/audit", title="The audit workbook", topic="content audits")
        mailbox = a_mailbox(uow)
        mailbox.secret = vault.seal("secret", f"mailbox:{mailbox.id}:secret")
        for name, role in (
            ("INBOX", "inbox"),
            ("Junk", "junk"),
            ("Archive", "archive"),
            ("Sent", "sent"),
            ("Editors", "other"),
        ):
            uow.session.add(Folder(mailbox_id=mailbox.id, name=name, role=role, listed_at=uow.now()))
        for number, domain in enumerate([*DOMAINS, *(f"site-{n:03}.test" for n in range(more))]):
            mention = MentionVerdict.UNLINKED_MENTION if number % 3 == 0 else MentionVerdict.NO_MENTION
            if number == 3:
                mention = MentionVerdict.COULD_NOT_CHECK
            prospect = a_prospect(
                uow,
                site,
                domain,
                stage=Stage.PROSPECT if number == 3 else Stage.CHECKED_MENTION,
                mention=mention,
                tier=1 + number % 3,
                overlap=3 - number % 3,
                competitors=["alpha.test", "beta.test", "gamma.test"][: 3 - number % 3],
                authority=71.0 - number if number != 2 else None,
                authority_provider="Ahrefs" if number != 2 else None,
                authority_percentile=90.5 - number if number != 2 else None,
                traffic=42_000 if number != 2 else None,
                dofollow=True if number != 2 else None,
                best_page_title="A checklist for onboarding",
                best_page_author="Ada Example" if number != 2 else None,
                target="https://alpha.test/onboarding",
                anchor="onboarding templates",
                first_seen=date(2025, 3, 1),
            )
            _judge(prospect, number, page.id)
            prospects.rerank(prospect, 3)
            _check(house, prospect, mention, uow)
            if number != 4:
                a_contact(uow, prospect, source_url=f"https://{domain}/about")
            if number in (0, 1, 2):
                pitches.propose(uow, prospect.id, actor="system")
            ids[domain] = prospect.id
        removed: dict[str, Any] = {"removed_by": ["directory"], "seen": "domain: directory", "rank_key": "1", "tier": 1}
        uow.session.add(
            RemovedGap(
                site_id=site.id, domain="web-directory.test", best_page="https://web-directory.test/x", **removed
            )
        )
        uow.session.add(
            KeptRemoval(site_id=site.id, domain="fair-directory.test", rule="*", by="ana", at=house.clock.now())
        )
        uow.session.add(
            ImportJob(
                site_id=site.id,
                kind=ImportKind.MENTIONS,
                filename="mentions.csv",
                path="none/mentions.csv",
                state=ImportState.DONE,
                rows_total=40,
                rows_done=40,
                report={
                    "taken": 31,
                    "known": 7,
                    "prospects": 12,
                    "rejected_count": 2,
                    "rejected": [
                        {"line": 17, "reason": "'n/a' names no host", "text": "n/a"},
                        {"line": 30, "reason": "x.com shows posts", "text": "https://x.com/acme/status/" + "1" * 40},
                    ],
                },
                created_by="lee@acme.test",
                created_at=uow.now(),
            )
        )
        _mail(house, uow, site, mailbox, ids, (vault, settings))
    return ids


def _judge(prospect: Prospect, number: int, page_id: int) -> None:
    """The first ones are as an import judges them; of the others nothing is known."""
    if number == 0:
        prospect.fit, prospect.fit_page_id, prospect.fit_words = 88, page_id, ["customer", "onboarding"]
    if number in (0, 1):
        prospect.fit = prospect.fit or 0
        prospect.language, prospect.language_source = "en", LanguageSource.DETECTED
        prospect.winnability_parts = [
            {"rule": "editorial", "points": 20, "why": "a guide", "seen": "path: checklist"},
            {"rule": "news-event", "points": -25, "why": "news", "seen": "title: raises"},
        ]
        prospect.winnability = 45
    elif number == 2:
        prospect.fit_unknown, prospect.winnability, prospect.language = "other-language", 20, "fr"
        prospect.language_source = LanguageSource.TOOL
        seen = "like pages within 14 days: 9 (onboarding template)"
        prospect.winnability_parts = [
            {"rule": "by-script", "points": -10, "why": "a script", "seen": "tool: rendered"},
            {"rule": "in-content", "points": 15, "why": "in the text", "seen": "tool: content true"},
            {"rule": "paid", "points": -35, "why": "like pages", "seen": seen},
        ]


def _check(house: House, prospect: Prospect, verdict: MentionVerdict, uow: object) -> None:
    check = MentionCheck(
        prospect_id=prospect.id,
        verdict=verdict,
        url=prospect.best_page,
        quote=QUOTE if verdict is MentionVerdict.UNLINKED_MENTION else None,
        reason="robots.txt forbids it" if verdict is MentionVerdict.COULD_NOT_CHECK else None,
        pages=[{"url": prospect.best_page, "outcome": "read"}],
        checked_at=house.clock.now(),
    )
    uow.session.add(check)  # type: ignore[attr-defined]
    uow.session.flush()  # type: ignore[attr-defined]
    prospect.mention_check_id = check.id


def _mail(house: House, uow: object, site: object, mailbox: object, ids: dict[str, int], keys: tuple) -> None:  # type: ignore[type-arg]
    session = uow.session  # type: ignore[attr-defined]
    for name, state in (("unsure.test", OutboundState.AMBIGUOUS), ("sent.test", OutboundState.SENT)):
        prospect = a_prospect(
            uow, site, name, stage=Stage.CHECKED_MENTION, mention=MentionVerdict.NO_MENTION, tier=1, overlap=3,  # type: ignore[arg-type]
            best_page_title="Tools", competitors=["alpha.test"], target="https://alpha.test/onboarding",
        )  # fmt: skip
        a_contact(uow, prospect)  # type: ignore[arg-type]
        pitch = pitches.propose(uow, prospect.id, actor="ana")  # type: ignore[arg-type]
        row: Outbound = pitches.approve(uow, *keys, pitch.id, pitch.version, actor="ana")  # type: ignore[arg-type]
        row.state = state
        row.sent_at = row.committed_at = house.clock.now() if state is OutboundState.SENT else None
        prospect.stage = Stage.PITCHED if state is OutboundState.SENT else prospect.stage
        ids[name] = prospect.id
        session.flush()
    session.flush()
    conversation = session.execute(
        select(Conversation).where(Conversation.prospect_id == ids["sent.test"])
    ).scalar_one()
    for number, (text, kind, placed) in enumerate(
        (
            ("Happy to add it, can you send a short blurb?", "reply", True),
            ('<script>alert(1)</script><img src="http://evil.test/x.png" onerror="alert(2)">', "other", True),
            ("I own sent.test. Whom do I talk to?", "reply", False),
            ("", None, False),
        )
    ):
        row = Inbound(
            mailbox_id=mailbox.id,  # type: ignore[attr-defined]
            content_key=f"{number}",
            state=InboundState.DONE if kind else InboundState.QUARANTINED,
            error=None if kind else "the parser ran out of memory",
            raw=None if kind else b"Subject: Re: Your checklist\r\n\r\n",
            size=100,
            from_address="dana@sent.test" if placed else "me@private.test",
            from_name="Dana Ruiz",
            subject="<b>bold</b>" if number == 1 else "Re: Your checklist",
            message_id=f"<theirs-{number}@sent.test>",
            kind=kind,
            rule="in-reply-to",
            intent="interested" if number == 0 else None,
            text=text,
            parsed={"full_text": f"{text}\n\n> Hello Dana,"} if number == 0 else None,
            prospect_id=ids["sent.test"] if placed else None,
            conversation_id=conversation.id if number == 0 else None,
            received_at=house.clock.now(),
            stored_at=house.clock.now(),
        )
        session.add(row)
        session.flush()
        if kind:
            triage.begin(uow, keys[1], row)  # type: ignore[arg-type]
    for name, state in (("won.test", LinkState.LIVE), ("gone.test", LinkState.UNKNOWN)):
        prospect = a_prospect(uow, site, name, stage=Stage.WON, tier=2)  # type: ignore[arg-type]
        session.add(
            Link(
                site_id=prospect.site_id,
                prospect_id=prospect.id,
                source_url=f"https://{name}/a-rather-long-path/with/several/segments/and-a-title-in-it",
                target_url="https://acme.test/guides/onboarding",
                state=state,
                verified=True,
                dofollow=True,
                anchor="onboarding guide",
                first_seen_at=house.clock.now(),
                last_checked_at=house.clock.now(),
            )
        )
