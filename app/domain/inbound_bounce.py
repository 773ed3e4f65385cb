"""Which messages are failed deliveries, for whom, and whether the address is bad: RFC 3464 reports and the ones that are not.

A report needs a sign that a machine wrote it (a delivery-status part, a daemon's address, a null return path, the header of a
known server) beside the words of failure: words alone never make a bounce, because people forward and quote them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from app.domain import auto_words
from app.domain import bounce_words as words
from app.domain.bounce_class import class_of, reason_of, squeeze, why
from app.domain.bounce_notice import provider_notification
from app.domain.bounce_stage import stage_of
from app.domain.bounce_text import Report, Told, read_text, status_in, told_about
from app.domain.inbound import Bounce, BounceClass, Failure, InboundMail, Kind, Verdict
from app.domain.mail_tokens import addresses, clean_address, is_answer_subject, sender

# Rules by what stands in a text and who seems to have sent it: a person who writes as postmaster may look so.
BY_WORDS = frozenset(
    f"bounce:{name}"
    for name in (
        "daemon-subject",
        "daemon-text",
        "null-sender-subject",
        "null-sender-text",
        "no-reply-subject",
        "auto-subject",
        "banner",
        "banner-subject",
    )
)

_REPORT_PARTS = frozenset(("message/delivery-status", "text/delivery-status", "message/global-delivery-status"))
_WORDS = re.compile(r"[a-z]+")
_TOKENS = re.compile(r"\w+|\?")
_NAMES = frozenset(("original-recipient", "final-recipient", "x-actual-recipient"))
_SHARED = frozenset(("action", "status", "diagnostic-code"))
# A gateway puts a code and words of its own before what the other server said: "5.1.0 - Unknown address error 550-'5.7.1 ...'".
_WRAPPED = re.compile(r"[45]\.\d\.\d{1,3} - [A-Za-z ]{4,60}(?= [45]\d\d-')")
_FAILED = frozenset(("failed", "failure", "undeliverable", "undelivered", "expired"))
_DELIVERED = frozenset(("delivered", "relayed", "expanded", "deliverable", "success"))


def bounce(mail: InboundMail) -> Verdict | None:
    """A verdict when the message reports on a delivery, else None."""
    signs = _Signs(mail)
    notification = provider_notification(mail)
    if notification is not None:
        return notification
    if mail.report and (signs.report_type or (signs.machine and not (signs.answer and signs.threaded))):
        failures, notices = _from_report(mail)
        if failures:
            return Verdict(Kind.BOUNCE, "bounce:dsn", Bounce(failures))
        if notices:
            return Verdict(Kind.OTHER, "delivery-notice")
    receipt = "message/disposition-notification" in mail.part_types
    # A filter that refuses (Sieve's "reject") answers with a receipt, signed by a daemon or headed as a failure; a reader's is neither.
    if mail.feedback is not None or (receipt and not (signs.null_path and (signs.daemon or signs.subject))):
        return None
    rule = _text_rule(mail, signs)
    if rule is None:
        return None
    found = read_text(mail.text, ignore=_own_addresses(mail))
    failures = _from_text(mail, found)
    if receipt and failures[0].recipient is None:
        # Such a filter speaks in the name of its owner.
        failures = (replace(failures[0], recipient=sender(mail.header("from"))[1]),)
    if found.success_only and not signs.subject:
        return None
    return Verdict(Kind.BOUNCE, f"bounce:{rule}", Bounce(failures))


class _Signs:
    """What in a message speaks for a machine, and what for a failure."""

    def __init__(self, mail: InboundMail) -> None:
        name, address = sender(mail.header("from"))
        local = (address or "").rpartition("@")[0].casefold()
        self.daemon = (
            local.partition("+")[0] in words.DAEMON_LOCALS
            or local.startswith(words.DAEMON_LOCAL_STARTS)
            or bool(words.DAEMON_LOCAL_WORDS.intersection(_WORDS.findall(local)))
            or _is_daemon_name(name, address)
        )
        # Nobody signs so: no person has one of these addresses.
        self.strong = local.startswith(words.DAEMON_LOCAL_STARTS[:2]) or local in (
            "mail-daemon",
            "maildaemon",
            "mdaemon",
        )
        # Such an address may be somebody's office; a report from any other daemon's needs more than an address in the text.
        self.likely = self.strong or local.startswith(words.DAEMON_LOCAL_STARTS)
        self.no_reply = local.replace("-", "").replace("_", "").startswith(("noreply", "donotreply"))
        self.threaded = mail.has("in-reply-to") or mail.has("references")
        self.no_sender = mail.has("from") and address is None
        self.null_path = _is_null(mail)
        auto = mail.header("auto-submitted").strip().casefold()
        self.auto = bool(auto) and not auto.startswith("no")
        self.report_type = mail.report_type == "delivery-status" or (
            mail.content_type == "multipart/report" and bool(_REPORT_PARTS.intersection(mail.part_types))
        )
        self.report_shape = mail.content_type == "multipart/report" and mail.report_type in (None, "delivery-status")
        self.named = mail.has("x-failed-recipients") or mail.has("x-ms-exchange-message-is-ndr")
        self.machine = self.daemon or self.null_path or self.named or self.report_type
        subject = squeeze(mail.header("subject"))
        self.answer = is_answer_subject(mail.header("subject"))
        # "Automatic reply: Your guide to mail delivery": what follows such a mark is our own subject.
        self.responds = subject.lstrip("[(*-").startswith(auto_words.SUBJECT_STARTS)
        self.subject = not self.responds and any(entry in subject for entry in words.SUBJECTS)
        # Some gateways head their notices "**Message you sent blocked by our bulk email filter**", from whatever address.
        self.starred = self.subject and subject.startswith("**") and subject.endswith("**")
        self.returns = mail.original is not None
        self.list = mail.has("list-unsubscribe") or mail.has("list-id")


def _is_daemon_name(name: str, address: str | None) -> bool:
    """Whether a shown name is a mail system's and nothing else: a host may follow it, a person's name may not."""
    folded = name.casefold()
    entry = next((entry for entry in words.DAEMON_NAMES if entry in folded), None)
    if entry is None:
        return False
    rest = folded.replace(entry, " ").replace("(", " ").replace(")", " ").replace('"', " ").split()
    return address is None or all(word in words.DAEMON_NAME_WORDS or "." in word for word in rest)


def _is_null(mail: InboundMail) -> bool:
    paths = mail.headers.get("return-path", ())
    return any(path.strip() in ("<>", "") or "<mailer-daemon" in path.casefold() for path in paths) or (
        mail.header("x-envelope-from").strip() == "<>"
    )


def _text_rule(mail: InboundMail, signs: _Signs) -> str | None:
    """The name of the rule that makes a message without a usable delivery-status part a bounce, or None."""
    known = signs.machine or signs.report_shape or signs.no_sender or signs.no_reply or signs.auto or signs.subject
    if not known:
        return None
    lead = squeeze(mail.text[:6000])
    says, coded = _says(mail.text), _is_coded(mail.text)
    spoken = signs.subject or says or coded
    reason = reason_of(lead)
    fresh = not signs.answer and not signs.threaded
    named = _names_somebody(mail)
    spoken_of = set(_TOKENS.findall(mail.text[:600].casefold()))
    impersonal = not words.PERSON & spoken_of
    banner = signs.subject and says and impersonal and _is_banner(mail.text)
    # A person may sign as postmaster: an answer in a thread, with a sender who takes mail, is theirs.
    person = signs.answer and (not (signs.subject or coded) or (signs.threaded and not signs.null_path))
    # A postmaster who greets or speaks of himself, and has nothing of a report with him, writes a letter.
    letter = (_greets(mail.text) or bool(words.SOMEBODY & spoken_of)) and not (
        signs.strong or signs.null_path or coded or signs.returns or signs.auto
    )
    daemon = signs.daemon and not person and not letter
    nobody = (signs.null_path or signs.no_sender) and not signs.answer and not signs.responds
    # Notes of an absence have that path, too (RFC 3834): they answer in our thread and quote us, and people speak in them.
    own = mail.new_text or mail.text
    stated = nobody and _says(own) and _is_coded(own)
    rules = (
        ("failed-recipients", signs.named and spoken),
        ("report", signs.report_shape and spoken),
        ("daemon-subject", daemon and signs.subject and not signs.answer),
        # Beside the words there must be a code, the message, or whom it did not reach.
        ("daemon-text", daemon and signs.returns and (says or coded)),
        (
            "daemon-text",
            daemon and says and (coded or signs.null_path or (named and signs.likely and not signs.answer)),
        ),
        # Some gateways answer in the thread, and print the failure first and then the envelope.
        (
            "daemon-envelope",
            signs.daemon and coded and impersonal and _opens_with_failure(mail.text) and "rcpt to:" in lead,
        ),
        ("daemon", signs.strong and fresh and (signs.returns or spoken or reason is not None)),
        (
            "null-sender-subject",
            nobody and signs.subject and (signs.returns or ((says or coded) and (fresh or signs.daemon))),
        ),
        ("null-sender-text", (stated and fresh and impersonal) or (nobody and signs.returns and (says or coded))),
        ("no-reply-returned", signs.no_reply and fresh and signs.subject and signs.returns),
        (
            "no-reply-subject",
            signs.no_reply and fresh and signs.subject and says and (coded or named) and not signs.list,
        ),
        ("auto-subject", signs.auto and signs.subject and fresh and (says or coded)),
        # A gateway that sends from an ordinary address heads its notice with a rule or a banner.
        ("banner", banner and fresh and signs.returns and reason is not None),
        ("banner", banner and named and not signs.threaded),
        ("banner-subject", signs.starred and fresh and says and named),
        # Some relays strip every sign; then the subject, the words, a code and the returned message must all be there.
        ("all-words", fresh and signs.subject and says and coded and signs.returns),
    )
    return next((name for name, holds in rules if holds), None)


def _says(text: str) -> bool:
    """Whether the first lines state a failure."""
    lead = squeeze(text[:6000])
    return any(entry in lead for entry in words.LEADS)


def _is_coded(text: str) -> bool:
    return status_in(text[:12000]) != (None, None)


def _first_line(text: str) -> str:
    return next((line.strip() for line in text[:6000].splitlines() if line.strip()), "")


def _greets(text: str) -> bool:
    return next(iter(_TOKENS.findall(_first_line(text).casefold())), "") in words.GREETINGS


def _is_banner(text: str) -> bool:
    first = _first_line(text)
    if first[:3] != first[-3:]:
        return False
    # Dashes stand around "Forwarded message", too.
    named = any(entry in first.casefold() for entry in ("recipient", "report", "deliver"))
    return first[:3] in ("***", "===", "###") or (first[:3] == "---" and named)


def _opens_with_failure(text: str) -> bool:
    """Whether the first line states a failure: a person would greet, or write a sentence."""
    first = _first_line(text)
    return len(first) < 60 and (first.casefold().startswith("error") or reason_of(first) is not None)


def _names_somebody(mail: InboundMail) -> bool:
    return bool(read_text(mail.text, _own_addresses(mail)).recipients)


def _from_report(mail: InboundMail) -> tuple[tuple[Failure, ...], bool]:
    """The failed recipients of every recipient block, and whether the report only told of success."""
    failures: list[Failure] = []
    notices = False
    blocks = _joined(mail.report)
    alone = sum(1 for block in blocks if _NAMES.intersection(block)) < 2
    for block in blocks:
        named = block.get("original-recipient") or block.get("final-recipient") or block.get("x-actual-recipient")
        action = block.get("action", "").split(";")[0].split("(")[0].strip().strip(".").casefold()
        status = status_in(block.get("status", ""), bare=True)[0]
        if named is None and not action and status is None:
            continue
        if action in _DELIVERED or (not action and status is not None and status.startswith("2.")):
            notices = True
            continue
        failures.append(_one(block, named, action, status, mail, alone=alone))
    if failures and all(failure.recipient is None for failure in failures):
        guess = _returned_recipient(mail) or next(iter(read_text(mail.text, _own_addresses(mail)).recipients), None)
        failures = [
            Failure(guess, failure.bounce_class, failure.status, failure.diagnostic, failure.action)
            for failure in failures
        ]
    return tuple(failures), notices


def _joined(report: Sequence[Mapping[str, str]]) -> Sequence[Mapping[str, str]]:
    """The recipient blocks. A first block that names nobody gives its action and codes to the others that lack them."""
    if len(report) < 2 or _NAMES.intersection(report[0]) or not any(_NAMES.intersection(block) for block in report[1:]):
        return report
    shared = {name: value for name, value in report[0].items() if name in _SHARED}
    return [{**shared, **block} for block in report[1:]]


def _one(
    block: Mapping[str, str], named: str | None, action: str, status: str | None, mail: InboundMail, *, alone: bool
) -> Failure:
    diagnostic = block.get("diagnostic-code", "").strip()
    kind, semicolon, said = diagnostic.partition(";")
    if semicolon and len(kind) < 24:
        diagnostic = said.strip()
    wrapped = _WRAPPED.match(diagnostic)
    if wrapped is not None:
        diagnostic, status = diagnostic[wrapped.end() :].lstrip(), None
    recipient = clean_address(named or "") or clean_address(block.get("final-recipient", ""))
    told = told_about(mail.text, recipient, _own_addresses(mail), alone=alone)
    inner, code = status_in(diagnostic or told)
    # Exchange and some gateways put the reason only into the readable part.
    evidence = diagnostic if diagnostic and why(diagnostic, coded=True) is not None else f"{diagnostic}\n{told}".strip()
    if status is None or (status.endswith(".0.0") and inner is not None and action not in ("delayed", "delay")):
        status = inner or status
    delayed = action in ("delayed", "delay", "deferred") or (
        action not in _FAILED and status is None and any(entry in squeeze(mail.text[:6000]) for entry in words.DELAY)
    )
    return Failure(
        recipient,
        class_of(status, code, evidence, delayed=delayed, stage=stage_of(told), reply=diagnostic or None),
        status,
        diagnostic[:1000] or None,
        action or None,
    )


def _from_text(mail: InboundMail, found: Report) -> tuple[Failure, ...]:
    """The failures of a report that only people were meant to read."""
    recipients = [
        clean_address(part) for value in mail.headers.get("x-failed-recipients", ()) for part in value.split(",")
    ]
    known = [address for address in recipients if address]
    returned = _returned_recipient(mail)
    if not known and returned and returned in found.recipients:
        known = [returned]
    if not known:
        known = list(found.recipients)
    if not known and (returned or (returned := _addressed(mail))):
        known = [returned]
    if not known:
        return (_from_words(None, found.told, found),)
    return tuple(_from_words(address, found.each.get(address, found.told), found) for address in known)


def _from_words(address: str | None, told: Told, found: Report) -> Failure:
    bounce_class = class_of(
        told.status, told.code, told.evidence, delayed=found.delayed, stage=told.stage, reply=told.diagnostic
    )
    action = "delayed" if found.delayed and bounce_class is BounceClass.SOFT else "failed"
    return Failure(address, bounce_class, told.status, told.diagnostic, action)


def _returned_recipient(mail: InboundMail) -> str | None:
    """To whom the returned message was addressed, if it was to one person."""
    if mail.original is None:
        return None
    found = [address for value in mail.original.get("to", ()) for address in addresses(value)]
    return found[0] if len(found) == 1 else None


def _addressed(mail: InboundMail) -> str | None:
    """To whom a copy of the header in the text was addressed; the last resort, because only a part of it may be there."""
    ours = _own_addresses(mail)
    for line in mail.text[:16000].splitlines():
        if line.strip()[:3].casefold() == "to:":
            found = [address for address in addresses(line.strip()[3:]) if address.casefold() not in ours]
            return found[0] if len(found) == 1 else None
    return None


def _own_addresses(mail: InboundMail) -> frozenset[str]:
    """Addresses that are never the failed recipient: ours, the reporter's, and the sender of the returned message."""
    values = [*mail.headers.get("to", ()), *mail.headers.get("from", ()), *mail.headers.get("delivered-to", ())]
    if mail.original is not None:
        values += [*mail.original.get("from", ()), *mail.original.get("sender", ())]
    return frozenset(address.casefold() for value in values for address in addresses(value))
