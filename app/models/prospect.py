"""A gap domain in a site's pipeline, with the evidence that the gap gave."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Index, Integer, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from app.db.types import enum_check, enum_column, json_column
from app.domain.gap import GapState
from app.domain.language import LanguageSource
from app.domain.mention_verdict import MentionVerdict
from app.domain.pipeline import Stage
from app.domain.verification import Verification
from app.models.base import Table

# Its mention check has ended, or has failed and somebody must say so. Queries use the same words: that is how the two
# databases know that the partial indexes fit.
WAITS = "(stage = 'checked-mention' OR (stage = 'prospect' AND mention = 'could-not-check'))"


# A search engine's own traffic is beyond 32 bits; an integer of the embedded database has 64 anyway.
_COUNT = BigInteger().with_variant(Integer(), "sqlite")


class Prospect(Table, table=True):
    """One domain in a site's pipeline. The stage moves only through `app.prospects.service.apply`."""

    __tablename__ = "prospect"
    __table_args__ = (
        UniqueConstraint("site_id", "domain"),
        UniqueConstraint("site_id", "external_id"),
        enum_check("stage", Stage),
        Index("ix_prospect_queue", "site_id", "stage", "rank_key", "id"),
        # All prospects in the order of the queue, whatever their stage: for the lists of the API.
        Index("ix_prospect_lane", "rank_key", "id"),
        # What waits for a person, so that a page of the queue never reads past what has left it.
        Index("ix_prospect_waiting", "rank_key", "id", sqlite_where=text(WAITS), postgresql_where=text(WAITS)),
        Index(
            "ix_prospect_site_waiting",
            "site_id",
            "rank_key",
            "id",
            sqlite_where=text(WAITS),
            postgresql_where=text(WAITS),
        ),
        # For PostgreSQL in the order in which the beginning of a name is found; equality is served by it, too.
        Index("ix_prospect_domain", "domain", "id", postgresql_ops={"domain": "text_pattern_ops"}),
        Index("ix_prospect_mention_due_at", "mention_due_at"),
        # Few sleep at a time, and those that woke are looked for by their hour.
        Index(
            "ix_prospect_snoozed",
            "snoozed_until",
            "id",
            sqlite_where=text("snoozed_until IS NOT NULL"),
            postgresql_where=text("snoozed_until IS NOT NULL"),
        ),
        Index("ix_prospect_verify_due_at", "verify_due_at"),
    )

    id: int = Field(default=None, primary_key=True)
    site_id: int = Field(foreign_key="site.id", ondelete="CASCADE")
    domain: str = Field(max_length=253)
    external_id: str | None = Field(default=None, max_length=200)
    stage: Stage = Field(default=Stage.PROSPECT, sa_column=enum_column(Stage))
    version: int = 0

    # What the gap says. Unknown is null, never zero; a metric is never shown without its provider.
    tier: int | None = None
    overlap: int | None = None
    competitors: list[str] = Field(default_factory=list, sa_column=json_column())
    # One letter of app.domain.gap.Follow for each of `competitors`; null where it was never asked.
    follow: str | None = Field(default=None, max_length=16)
    links: int | None = Field(default=None, sa_type=_COUNT)
    dofollow: bool | None = None
    authority: float | None = None
    authority_provider: str | None = Field(default=None, max_length=32)
    authority_percentile: float | None = None
    traffic: int | None = Field(default=None, sa_type=_COUNT)
    language: str | None = Field(default=None, max_length=64)
    language_source: LanguageSource | None = Field(default=None, sa_column=enum_column(LanguageSource, nullable=True))
    best_page: str | None = None
    best_page_title: str | None = None
    best_page_author: str | None = Field(default=None, max_length=200)  # as the tool names them
    target: str | None = None
    anchor: str | None = None
    context: str | None = None  # the words around the link, where the export has them
    first_seen: date | None = None
    score: float | None = None
    removed_by: list[str] = Field(default_factory=list, sa_column=json_column())
    known_pages: list[str] = Field(default_factory=list, sa_column=json_column())
    rank_key: str = Field(default="", max_length=80)

    # The chance of the link with its parts, the rule that keeps it out of the tiers, and which page of ours fits: a score,
    # or the reason why nobody can tell. `page_words` and `page_language` are what the best page said when it was read.
    winnability: int | None = None
    winnability_parts: list[dict[str, Any]] = Field(default_factory=list, sa_column=json_column(server_default="[]"))
    gate: str | None = Field(default=None, max_length=32)
    fit: int | None = None
    fit_page_id: int | None = None
    fit_words: list[str] = Field(default_factory=list, sa_column=json_column(server_default="[]"))
    fit_unknown: str | None = Field(default=None, max_length=32)
    page_words: list[str] = Field(default_factory=list, sa_column=json_column(server_default="[]"))
    page_language: str | None = Field(default=None, max_length=16)

    # What the newest lists say against its being a gap, and for `linked` where they show the link: `file`, `as_of`, and `page`
    # with `target` where the list names pages.
    gap_state: GapState | None = Field(default=None, sa_column=enum_column(GapState, nullable=True))
    gap_seen: dict[str, Any] | None = Field(
        default=None, sa_type=JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
    )

    # The latest mention check, for lists; its evidence is the row in mention_check.
    mention: MentionVerdict | None = Field(default=None, sa_column=enum_column(MentionVerdict, nullable=True))
    mention_check_id: int | None = None
    mention_due_at: datetime | None = None
    mention_tries: int = 0

    # Domains that only the web graph names (app.gaps.verify): the verdict, and what was seen on which page.
    verification: Verification | None = Field(default=None, sa_column=enum_column(Verification, nullable=True))
    verify_due_at: datetime | None = None
    # None is null to the database, too, and not the JSON word.
    verified: dict[str, Any] | None = Field(
        default=None, sa_type=JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
    )

    snoozed_until: datetime | None = None
    created_at: datetime
    updated_at: datetime
