"""Every route of the pages, with who may use it and an address at which it can be looked at. A test compares this with the
real table: a route that does not stand here fails, so none escapes the matrix of roles and the look at every page.

Roles: P everybody, S everybody who is signed in, else the letters of those who may: V viewer, O outreach, L lead, X operator.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.models import Role

ROLES = {"V": Role.VIEWER, "O": Role.OUTREACH, "L": Role.LEAD, "X": Role.OPERATOR}


@dataclass(frozen=True)
class Row:
    """`roles` as above; `look`: addresses of the page in a furnished installation ({name}: the id of a prospect).

    `file`: a browser stores what it answers instead of showing it.
    """

    roles: str
    look: tuple[str, ...] = ()
    file: bool = False


MANIFEST: dict[tuple[str, str], Row] = {
    ("GET", "/"): Row("S", ("/",)),
    ("GET", "/queue"): Row("OLX", ("/queue", "/queue?tier=2")),
    ("GET", "/queue/{prospect_id}"): Row(
        "OLX", ("/queue/{growth-notes.test}", "/queue/{data-weekly.test}", "/queue/{cloud-journal.test}")
    ),
    ("POST", "/queue/start"): Row("OLX"),
    ("POST", "/queue/{prospect_id}/look"): Row("OLX"),
    ("POST", "/queue/{prospect_id}/draft"): Row("OLX"),
    ("POST", "/queue/{prospect_id}/choose"): Row("OLX"),
    ("POST", "/queue/{prospect_id}/decide"): Row("OLX"),
    ("POST", "/queue/{prospect_id}/skip"): Row("OLX"),
    ("POST", "/queue/{prospect_id}/confirm"): Row("OLX"),
    ("POST", "/queue/{prospect_id}/contact"): Row("OLX"),
    ("POST", "/queue/undo"): Row("OLX"),
    ("POST", "/queue/{prospect_id}/snooze"): Row("OLX"),
    ("POST", "/queue/{prospect_id}/leave"): Row("OLX"),
    ("GET", "/queue/{prospect_id}/checks"): Row("OLX", ("/queue/{growth-notes.test}/checks",)),
    ("POST", "/queue/{prospect_id}/hold"): Row("OLX"),
    ("POST", "/queue/{prospect_id}/next"): Row("OLX"),
    ("POST", "/queue/{prospect_id}/keep"): Row("OLX"),
    ("POST", "/queue/{prospect_id}/forget"): Row("OLX"),
    ("POST", "/queue/{prospect_id}/take-over"): Row("LX"),
    ("POST", "/queue/{prospect_id}/pin"): Row("LX"),
    ("GET", "/queue/skipped"): Row("OLX", ("/queue/skipped",)),
    ("POST", "/queue/{prospect_id}/put-back"): Row("OLX"),
    ("GET", "/queue/bulk"): Row("LX", ("/queue/bulk",)),
    ("POST", "/queue/bulk"): Row("LX"),
    ("POST", "/queue/bulk/undo"): Row("LX"),
    ("GET", "/queue/bulk/{pitch_id}"): Row("LX", ("/queue/bulk/2",)),
    ("POST", "/pitches/{pitch_id}/undo"): Row("OLX"),
    ("GET", "/outbox"): Row("OLX", ("/outbox", "/outbox?tab=ambiguous", "/outbox?tab=failed", "/outbox?tab=sent")),
    ("POST", "/outbox/{outbound_id}/cancel"): Row("OLX"),
    ("POST", "/outbox/{outbound_id}/treat-as-sent"): Row("OLX"),
    ("POST", "/outbox/{outbound_id}/send-again"): Row("OLX"),
    ("GET", "/inbox"): Row("OLX", ("/inbox", "/inbox?tab=unmatched", "/inbox?tab=done")),
    ("GET", "/inbox/{inbound_id}"): Row("OLX", ("/inbox/1", "/inbox/2", "/inbox/3", "/inbox/4")),
    ("POST", "/inbox/{inbound_id}/reply"): Row("OLX"),
    ("POST", "/inbox/{inbound_id}/dismiss"): Row("OLX"),
    ("POST", "/inbox/{inbound_id}/handled"): Row("OLX"),
    ("POST", "/inbox/undo"): Row("OLX"),
    ("POST", "/inbox/{inbound_id}/class"): Row("OLX"),
    ("POST", "/inbox/{inbound_id}/answer"): Row("OLX"),
    ("POST", "/inbox/answers/{outbound_id}/take-back"): Row("OLX"),
    ("POST", "/inbox/{inbound_id}/won"): Row("OLX"),
    ("POST", "/inbox/{inbound_id}/lost"): Row("OLX"),
    ("POST", "/inbox/{inbound_id}/suppress"): Row("OLX"),
    ("POST", "/inbox/{inbound_id}/try-again"): Row("OLX"),
    ("GET", "/prospects/{prospect_id}"): Row("VOLX", ("/prospects/{sent.test}",)),
    ("POST", "/prospects/{prospect_id}/give-up"): Row("OLX"),
    ("POST", "/prospects/{prospect_id}/reopen"): Row("OLX"),
    ("GET", "/gap"): Row(
        "VOLX", ("/gap", "/gap?authority=50&traffic=1000&dofollow=on&fit=60", "/gap?authority=x", "/gap?view=excluded")
    ),
    ("POST", "/gap/decide"): Row("OLX"),
    ("POST", "/gap/floors"): Row("LX"),
    ("GET", "/gap/removed"): Row("VOLX", ("/gap/removed",)),
    ("POST", "/gap/removed"): Row("OLX"),
    ("GET", "/gap/changes"): Row("VOLX", ("/gap/changes",)),
    ("GET", "/imports"): Row("OLX", ("/imports",)),
    ("GET", "/imports/new"): Row("LX", ("/imports/new",)),
    ("POST", "/imports"): Row("LX"),
    ("GET", "/imports/jobs/{job_id}"): Row("OLX", ("/imports/jobs/2",)),
    ("POST", "/imports/jobs/{job_id}/run"): Row("LX"),
    ("POST", "/imports/jobs/{job_id}/cancel"): Row("LX"),
    ("GET", "/imports/mentions/new"): Row("LX", ("/imports/mentions/new",)),
    ("POST", "/imports/mentions"): Row("LX"),
    ("GET", "/imports/mentions/{job_id}"): Row("OLX", ("/imports/mentions/1", "/imports/mentions/9")),
    ("POST", "/imports/mentions/{job_id}/run"): Row("LX"),
    ("POST", "/imports/mentions/{job_id}/cancel"): Row("LX"),
    ("GET", "/imports/mentions/{job_id}/rejected.csv"): Row("OLX", ("/imports/mentions/9/rejected.csv",)),
    ("GET", "/imports/{import_id}/rejected.csv"): Row("OLX", ("/imports/1/rejected.csv",)),
    ("GET", "/pipeline"): Row("VOLX", ("/pipeline", "/pipeline?view=table")),
    ("POST", "/pipeline/{prospect_id}/move"): Row("OLX"),
    ("GET", "/reports"): Row("VOLX", ("/reports", "/reports?days=all&tier=1")),
    ("GET", "/reports/cases"): Row("VOLX", ("/reports/cases?step=delivered",)),
    ("GET", "/reports/numbers.csv"): Row("VOLX", file=True),
    ("GET", "/links"): Row("VOLX", ("/links", "/links?tab=changed")),
    ("GET", "/links/lost"): Row("VOLX", ("/links/lost",)),
    ("POST", "/links/lost/{prospect_id}/draft"): Row("OLX"),
    ("POST", "/links/lost/{prospect_id}/approve"): Row("OLX"),
    ("POST", "/links/{link_id}/check"): Row("OLX"),
    ("GET", "/search"): Row("S", ("/search", "/search?q=growth", "/search?q=no-such-thing")),
    # A few figures for the pages, and no page.
    ("GET", "/live"): Row("S", file=True),
    ("GET", "/settings"): Row("VOLX", ("/settings",)),
    ("GET", "/system"): Row("X", ("/system",)),
    ("POST", "/system/jobs/{job}/{row_id}/retry"): Row("X"),
    ("POST", "/system/release"): Row("X"),
    ("GET", "/sites"): Row("VOLX", ("/sites",)),
    ("POST", "/sites"): Row("LX"),
    ("GET", "/sites/{site_id}"): Row("VOLX", ("/sites/1",)),
    ("POST", "/sites/{site_id}"): Row("LX"),
    ("POST", "/sites/{site_id}/sending"): Row("LX"),
    ("POST", "/sites/{site_id}/archive"): Row("LX"),
    ("POST", "/sites/{site_id}/restore"): Row("LX"),
    ("POST", "/sites/{site_id}/competitors"): Row("LX"),
    ("POST", "/sites/{site_id}/competitors/{competitor_id}/sisters"): Row("LX"),
    ("POST", "/sites/{site_id}/competitors/{competitor_id}/remove"): Row("LX"),
    ("GET", "/pages"): Row("VOLX", ("/pages", "/pages?view=archived")),
    ("POST", "/pages"): Row("LX"),
    ("POST", "/pages/look"): Row("LX"),
    ("GET", "/pages/{page_id}"): Row("VOLX", ("/pages/1",)),
    ("POST", "/pages/{page_id}"): Row("LX"),
    ("POST", "/pages/{page_id}/check"): Row("LX"),
    ("POST", "/pages/{page_id}/archive"): Row("LX"),
    ("POST", "/pages/{page_id}/restore"): Row("LX"),
    # A file is no page to look at; with a day that is none, both say so on the page of errors.
    ("GET", "/audit"): Row("LX", ("/audit", "/audit?kind=prospect", "/audit?actor=nobody", "/audit?since=x")),
    ("GET", "/audit/export.csv"): Row("LX", ("/audit/export.csv?since=x",)),
    ("GET", "/audit/export.json"): Row("LX", ("/audit/export.json?until=x",)),
    ("GET", "/settings/users"): Row("X", ("/settings/users",)),
    ("POST", "/settings/users"): Row("X"),
    ("GET", "/settings/users/{user_id}"): Row("X", ("/settings/users/1",)),
    ("POST", "/settings/users/{user_id}"): Row("X"),
    ("POST", "/settings/users/{user_id}/password"): Row("X"),
    ("POST", "/settings/users/{user_id}/sessions"): Row("X"),
    ("POST", "/settings/users/{user_id}/second-factor"): Row("X"),
    ("GET", "/settings/keys"): Row("X", ("/settings/keys",)),
    ("POST", "/settings/keys"): Row("X"),
    ("POST", "/settings/keys/{key_id}/revoke"): Row("X"),
    ("GET", "/suppression"): Row("OLX", ("/suppression", "/suppression?q=nothing-like-it")),
    ("POST", "/suppression"): Row("LX"),
    ("POST", "/suppression/test"): Row("OLX"),
    ("GET", "/suppression/import"): Row("LX", ("/suppression/import",)),
    ("POST", "/suppression/import"): Row("LX"),
    ("POST", "/suppression/export"): Row("OLX"),
    # Without the rule, the page of errors says so.
    ("GET", "/suppression/{suppression_id}"): Row("OLX", ("/suppression/1",)),
    ("POST", "/suppression/{suppression_id}/remove"): Row("LX"),
    ("GET", "/mailboxes"): Row("OLX", ("/mailboxes",)),
    ("GET", "/mailboxes/new"): Row("X", ("/mailboxes/new",)),
    ("GET", "/mailboxes/new/{kind}"): Row("X", ("/mailboxes/new/imap", "/mailboxes/new/google")),
    ("POST", "/mailboxes/new/{kind}"): Row("X"),
    ("GET", "/mailboxes/{mailbox_id}"): Row("OLX", ("/mailboxes/1",)),
    ("POST", "/mailboxes/{mailbox_id}/resume"): Row("X"),
    ("POST", "/mailboxes/{mailbox_id}/pause"): Row("X"),
    ("POST", "/mailboxes/{mailbox_id}/folders"): Row("X"),
    ("POST", "/mailboxes/{mailbox_id}/password"): Row("X"),
    ("GET", "/mailboxes/{mailbox_id}/checks"): Row("X", ("/mailboxes/1/checks",)),
    ("POST", "/mailboxes/{mailbox_id}/checks"): Row("X"),
    ("GET", "/mailboxes/{mailbox_id}/limits"): Row("X", ("/mailboxes/1/limits",)),
    ("POST", "/mailboxes/{mailbox_id}/limits"): Row("X"),
    ("GET", "/mailboxes/{mailbox_id}/name"): Row("X", ("/mailboxes/1/name",)),
    ("POST", "/mailboxes/{mailbox_id}/name"): Row("X"),
    ("GET", "/mailboxes/{mailbox_id}/test"): Row("X", ("/mailboxes/1/test",)),
    ("POST", "/mailboxes/{mailbox_id}/test"): Row("X"),
    # Without a state, the return says so on the page of errors.
    ("GET", "/sequences"): Row("OLX", ("/sequences",)),
    ("POST", "/sequences/start/{site_id}"): Row("LX"),
    ("GET", "/sequences/{sequence_id}"): Row("OLX", ("/sequences/1",)),
    ("POST", "/sequences/{sequence_id}"): Row("OLX"),
    ("POST", "/sequences/{sequence_id}/move"): Row("LX"),
    ("GET", "/templates"): Row("OLX", ("/templates",)),
    ("GET", "/templates/{name}"): Row(
        "OLX", ("/templates/coverage-gap", "/templates/link-reclamation", "/templates/follow-up-1?case=longest")
    ),
    # Everybody who reads may preview; the test of the page holds that only a lead and an operator save.
    ("POST", "/templates/{name}"): Row("OLX"),
    # Without a mailbox of the kind, and without a state, both say so on the page of errors.
    ("GET", "/mailboxes/{mailbox_id}/sign-in"): Row("X", ("/mailboxes/1/sign-in",)),
    ("POST", "/mailboxes/{mailbox_id}/sign-in"): Row("X"),
    ("GET", "/oauth/callback"): Row("X", ("/oauth/callback",)),
    ("GET", "/signin"): Row("P", ("/signin",)),
    ("POST", "/signin"): Row("P"),
    # Without the first half of a sign-in it leads back to it.
    ("GET", "/signin/code"): Row("P", ("/signin/code",)),
    ("POST", "/signin/code"): Row("P"),
    ("POST", "/signout"): Row("S"),
    ("GET", "/setup"): Row("P", ("/setup",)),
    ("POST", "/setup"): Row("P"),
    ("POST", "/theme"): Row("S"),
    ("GET", "/me"): Row("S", ("/me",)),
    ("POST", "/me"): Row("S"),
    ("POST", "/me/keys"): Row("S"),
    ("GET", "/me/second-factor"): Row("S", ("/me/second-factor",)),
    ("POST", "/me/second-factor/begin"): Row("S"),
    ("POST", "/me/second-factor/confirm"): Row("S"),
    ("POST", "/me/second-factor/codes"): Row("S"),
    ("POST", "/me/second-factor/off"): Row("S"),
    ("POST", "/me/sessions/{session}/end"): Row("S"),
    ("POST", "/me/sessions/end-others"): Row("S"),
    ("GET", "/keys"): Row("S", ("/keys",)),
    ("GET", "/u/{token}"): Row("P", ("/u/token", "/u/token?done=yes")),
    ("POST", "/u/{token}"): Row("P"),
    ("GET", "/about-this-bot"): Row("P", ("/about-this-bot",)),
}

# Addresses that no route answers, and pages that are shown before anybody can sign in.
ELSEWHERE = ("/no-such-page",)


def addresses(ids: dict[str, int]) -> list[str]:
    """Every address at which a page can be looked at, with the ids of a furnished installation."""
    found = [address for row in MANIFEST.values() for address in row.look] + list(ELSEWHERE)
    for name, number in ids.items():
        found = [address.replace("{" + name + "}", str(number)) for address in found]
    return found
