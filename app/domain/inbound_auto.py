"""Automatic answers: absence notes, responders and ticket acknowledgements, by header first and by subject second.

Text alone never makes an automatic answer: a person also writes "I am out of the office until Monday, but yes". Nor does it end one: a
help desk's acknowledgement in which somebody says more than everybody is told is that person's answer.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

from app.domain import auto_words
from app.domain.absence import return_date
from app.domain.bounce_class import squeeze
from app.domain.bounce_words import phrases
from app.domain.inbound import InboundMail, Kind, Verdict
from app.domain.inbound_away import ANSWERS, CLAUSE, answers_away, has
from app.domain.inbound_intent import intent, pair, stands_in
from app.domain.inbound_opt_out import asks_nothing, doubted, offers, opens, opt_out
from app.domain.mail_tokens import addresses, is_answer_subject, sender

# Rules whose messages are no absence: a help desk has taken the mail in, and somebody has opened it.
TICKET = "ticket-acknowledgement"
READ_RECEIPT = "auto-reply:read-receipt"
# Nobody is there any more, or nobody will see our mail before we have answered a filter.
LEFT = "auto-reply:left"
CHALLENGE = "auto-reply:challenge"
# Said by the words of the subject alone, which may be ours.
SUBJECT = "auto-reply:subject"
# List mail outside any thread: of a newsletter, and of a group whose members write themselves.
LIST = "list-mail"
GROUP = "group-mail"

_RESPONDER_HEADERS = (
    "x-autoreply",
    "x-autorespond",
    "x-autoresponder",
    "x-autoreply-from",
    "x-mail-autoreply",
    "x-vacation",
    "x-auto-reply",
    "x-gm-autoreply",
    "x-amazon-auto-reply",
    "x-ms-exchange-generated-message-source",
)
_RESPONDER_AGENTS = phrases(
    "vacation | autoresponder | auto-responder | autoreply | auto-reply | responder | gnarwl | sieve | out of office"
)
_BULK = frozenset(("bulk", "junk", "list"))

_TICKET_SUBJECT = re.compile(
    r"\[[^\]\[]{0,40}#\s{0,2}[A-Za-z0-9-]{1,30}\]|\((?:case|ticket|request)[^)]{0,30}\d\)|(?:ticket|case|request|anfrage|vorgang|dossier|demande|caso|solicitud|richiesta|ärende|sag)"
    r"(?: (?:id|number|no\.?|nr\.?|n[°º]))?\s{0,2}(?:[:#]\s{0,2}[A-Za-z-]{0,6}\d|\d{3})|(?:^|\s|\[)[A-Z]{2,6}-\d{1,7}\b|##[A-Za-z0-9-]{1,20}##",
    re.IGNORECASE,
)
_HELPDESK = (
    "x-zendesk-from-account-id",
    "x-zendesk-priority-mail",
    "x-freshdesk-ticket-id",
    "x-helpscout-conversation-id",
    "x-otrs-loop",
    "x-hubspot-ticket-id",
    "x-rt-ticket",
    "rt-ticket",
    "x-front-conversation",
    "x-intercom-conversation",
    "x-kayako-ticket",
    "x-jira-fingerprint",
    "x-osticket-ticket",
    "x-gorgias-ticket-id",
    "x-desk-ticket",
    "x-groove-ticket",
)
_HELPDESK_TEXT = (
    "type your reply above this line",
    "reply above this line",
    "antworten sie oberhalb dieser",
    "répondre au-dessus de cette ligne",
)


# A Swede writes "till mig" to somebody, and "till måndag" until a day.
_TO_US = re.compile(r" till (?:mig|oss|min|vår)\b")
# One person has given our mail to another. What "we" have done, or what was done, a machine says as well.
_PASSED_ON = re.compile(
    r"\bi(?:'ve| have)? (?:just |already |now )?(?:passed|forwarded|handed|sent|given|shared|shown|asked|told)\b(?! you\b)|\bi'm (?:passing|forwarding|handing)\b|\bi(?:'ll| will) (?:pass|forward|hand)\b"
    r"|\bich (?:habe|hab) [^.!?]{0,80}\b(?:weitergegeben|weitergeleitet|weitergereicht|übergeben|gefragt)\b|\bich (?:gebe|leite|reiche) [^.!?]{0,80}\bweiter\b"
    r"|\b(?:je (?:l'|les |le |la |vous )?ai|je (?:l'|les )ai|j'ai) [^.!?]{0,40}(?:transmis|transféré|fait suivre|passé)|\bje (?:l[ea]s? |l')?(?:transmets|transfère|fais suivre)\b"
    r"|\b(?:l[oa]s? )?he (?:pasado|reenviado|enviado|remitido|trasladado|compartido)\b|\bl[oa] (?:paso|reenvío) a\b|\b(?:l')?ho (?:inoltrat\w|girat\w|passat\w|trasmess\w)\b|\b(?:encaminhei|repassei|reencaminhei)\b"
    r"|\bik (?:heb|stuur|geef) [^.!?]{0,80}\b(?:doorgestuurd|doorgegeven|doorgezet|door)\b|\bjag (?:har )?[^.!?]{0,40}\b(?:vidarebefordra\w*|vidare)\b|\bjeg (?:har )?[^.!?]{0,40}\b(?:videresend\w*|videre)\b"
    r"|\bprzekazał[ea]m\b|\bpředal[a]? jsem\b|\bpřeposlal[a]? jsem\b|\bя (?:передал|переслал|отправил)|\bvälitin\b|\bilettim\b"
)
_EVERYBODY = auto_words.ABSENT + auto_words.RECEIPT


def automatic(mail: InboundMail, *, own_subject: bool = False) -> Verdict | None:
    """A verdict for answers and notices that no person wrote, else None. `own_subject`: it stands under a subject of ours."""
    if "message/disposition-notification" in mail.part_types and mail.report_type == "disposition-notification":
        return Verdict(Kind.AUTO_REPLY, READ_RECEIPT)
    rule = _responder(mail, own_subject=own_subject)
    if rule == "auto-generated" and _is_list_mail(mail):
        return Verdict(Kind.OTHER, LIST)
    ticket = _ticket(mail, rule)
    if ticket is not None:
        if rule in (None, "auto-generated") and _is_threaded(mail) and _agent_says_more(mail):
            return _in_doubt(mail)
        return Verdict(Kind.AUTO_REPLY, ticket, returns_on=None, ticket=True)
    if rule is not None and not _person(mail, rule):
        gone = _gone(mail)
        return Verdict(
            Kind.AUTO_REPLY, gone or f"auto-reply:{rule}", returns_on=_returns(mail) if gone is None else None
        )
    if _is_list_mail(mail) and not own_subject:
        posted = mail.has("list-post") and mail.header("list-post").strip().casefold() != "no"
        return Verdict(Kind.OTHER, GROUP if posted or not mail.has("list-unsubscribe") else LIST)
    name, address = sender(mail.header("from"))
    if address is None and not name and not mail.new_text.strip() and not mail.header("subject").strip():
        return Verdict(Kind.OTHER, "empty")
    return _in_doubt(mail) if rule is not None else None


def _gone(mail: InboundMail) -> str | None:
    """The rule for a note by which nobody comes back: they have left, or a filter keeps our mail. None for an absence."""
    for raw in (mail.header("subject"), *CLAUSE.split(mail.new_text[:2000])):
        said = squeeze(raw[:500])
        if any(entry in said for entry in auto_words.CHALLENGE):
            return CHALLENGE
        left = any(entry in said and stands_in(entry, said) for entry in auto_words.LEFT)
        if (left or pair(auto_words.LEFT_PAIRS, said)) and not any(entry in said for entry in auto_words.STAYS):
            return LEFT
    return None


def _more(mail: InboundMail, expected: tuple[str, ...]) -> list[str]:
    """What somebody says beyond `expected` phrases and the politeness around them, by clauses."""
    more = []
    for raw in CLAUSE.split(mail.new_text[:2000]):
        said = squeeze(raw)
        at = max((said.find(entry) for entry in expected), default=-1)
        # "Thank you for contacting us, we have added it."
        said = said if at < 0 else said[at:].partition(",")[2]
        if said.strip() and not has(said, auto_words.POLITE):
            more.append(said.strip())
    return more


def _says_more(mail: InboundMail, expected: tuple[str, ...], *, hedges: bool = True) -> bool:
    """Whether somebody says more than everybody is told: that it is done, why not, what it costs, a question.

    Without `hedges`, an "unfortunately" alone is no refusal: what everybody is told has one as well.
    """
    clauses = _more(mail, expected)
    own = _own(mail, clauses)
    # "If you would rather not hear from us, ..." refuses nothing either.
    said = "\n".join(one for one in clauses if one in own or opt_out(replace(mail, new_text=one, text=one)) is None)
    wish = "\n".join(own)
    if not hedges:
        for word in auto_words.HEDGES:
            said = said.replace(word, "")
    return bool(said.strip()) and (
        intent(said)[0] in ANSWERS or opt_out(replace(mail, new_text=wish, text=said)) is not None
    )


def _own(mail: InboundMail, clauses: list[str]) -> list[str]:
    """The clauses that may be a wish of the writer: not how a reader gets off a list, nor anything about another address."""
    mine = sender(mail.header("from"))[1]
    return [
        clause
        for clause in clauses
        if not offers(clause)
        and not asks_nothing(clause)
        and all(named.casefold() == (mine or "").casefold() for named in addresses(clause))
    ]


def _wish(mail: InboundMail, expected: tuple[str, ...] = (), *, sure: bool = True) -> Verdict | None:
    """What somebody surely asks for who wants to be left alone, and not only while they are away; without `sure`, perhaps asks for.

    Below a machine's header it is final only where it is the first thing that they say.
    """
    said = "\n".join(
        clause
        for clause in _own(mail, _more(mail, expected))
        if not any(f" {word} " in _TO_US.sub(" ", f" {clause} ") for word in auto_words.WHILE)
    )
    told = replace(mail, new_text=said, text=said)
    found = opt_out(told) if said else None
    if found is None or found.kind is not Kind.OPT_OUT:
        return None if sure else found
    return found if opens(told) else doubted(found.rule)


def _is_absent(mail: InboundMail) -> bool:
    said = squeeze(mail.new_text[:1200])
    return any(entry in said for entry in auto_words.ABSENT)


def _tells_absence(mail: InboundMail) -> bool:
    """Whether the text itself, and not its subject, says that nobody is there, or when they are back."""
    said = squeeze(mail.new_text[:1200])
    if any(entry in said for entry in auto_words.ABSENT + auto_words.CLOSED):
        return True
    return mail.date is not None and return_date(mail.new_text[:4000], mail.date.date(), bare=False) is not None


def _responder(mail: InboundMail, *, own_subject: bool) -> str | None:
    """The name of the header or subject that gives a responder away, or None."""
    auto = mail.header("auto-submitted").split(";")[0].split("(")[0].strip().casefold()
    if auto and auto not in ("no", "auto-forwarded"):
        return "auto-submitted" if auto != "auto-generated" else "auto-generated"
    for name in _RESPONDER_HEADERS:
        if mail.has(name) and mail.header(name).strip().casefold() not in (
            "no",
            "false",
            "0",
            "mailbox rules agent forward",
        ):
            return name
    if mail.header("precedence").strip().casefold() in ("auto_reply", "auto-reply") or (
        mail.header("x-precedence").strip().casefold() in ("auto_reply", "auto-reply", "bulk", "junk")
    ):
        return "precedence"
    subject = squeeze(mail.header("subject"))[:300]
    stem = subject
    for prefix in ("re: ", "aw: ", "sv: ", "r: ", "antw: ", "odp: "):
        stem = stem.removeprefix(prefix)
    marked = _is_marked(stem)
    # People have such subjects as well.
    marked = marked and not _is_topic(mail, stem)
    if marked and not own_subject and not stem.endswith(("?", "？")):
        # "Re: Out of office" by a person answers our own subject only when the words are ours; without the prefix they are not.
        if stem == subject or _weak(mail) is not None:
            return "subject"
        return None
    agent = squeeze(mail.header("x-mailer") + " " + mail.header("user-agent"))
    if any(entry in agent for entry in _RESPONDER_AGENTS):
        return "x-mailer"
    weak = _weak(mail)
    if _is_null_path(mail) and mail.header("precedence").strip().casefold() in _BULK:
        return "null-return-path+precedence"
    if weak is not None and _is_absent(mail):
        # People's mail carries some of these headers, and a person who is away may answer all the same; a null return
        # path and the precedence of old responders are a machine's even under "Re:".
        machine = weak == "null-return-path" or mail.header("precedence").strip().casefold() in ("bulk", "junk")
        if machine or not (is_answer_subject(mail.header("subject")) or _says_more(mail, auto_words.ABSENT)):
            return f"{weak}+text"
    return _unsigned(mail, weak)


def _unsigned(mail: InboundMail, weak: str | None) -> str | None:
    """The rule for a machine that only its words give away: a filter's question, an office's receipt, or that it calls itself automatic."""
    lead = squeeze(mail.new_text[:400])
    local = (sender(mail.header("from"))[1] or "").rpartition("@")[0].casefold()
    silent = local.replace("-", "").replace("_", "").startswith(("noreply", "donotreply"))
    if weak is not None and weak != "x-auto-response-suppress" and not _is_threaded(mail) and _gone(mail) == CHALLENGE:
        return f"{weak}+challenge"
    if _is_null_path(mail) and any(entry in lead for entry in auto_words.RECEIPT):
        fresh = silent and not _is_threaded(mail)
        if fresh or not _says_more(mail, auto_words.RECEIPT, hedges=False):
            return "null-return-path+receipt"
    if local in auto_words.ROLES and any(entry in lead for entry in auto_words.AUTOMATED):
        return None if _says_more(mail, auto_words.RECEIPT + auto_words.AUTOMATED, hedges=False) else "automated-text"
    return None


def _is_marked(subject: str) -> bool:
    """Whether a subject starts as only those of responders do; some put their mark into brackets."""
    return subject.startswith(auto_words.SUBJECT_STARTS) or subject.lstrip("[(*-").startswith(auto_words.SUBJECT_STARTS)


def _is_topic(mail: InboundMail, subject: str) -> bool:
    """Whether a subject that is marked is what a person writes about: "On holiday homes", "Out of office templates"."""
    if subject.startswith(auto_words.TOPICS) and not _is_absent(mail):
        return True
    return has(subject, auto_words.WORKS) and _weak(mail) is None and not _tells_absence(mail)


def _weak(mail: InboundMail) -> str | None:
    """A header that responders carry and people's mail may carry too; it needs a second sign."""
    if mail.has("x-auto-response-suppress"):
        return "x-auto-response-suppress"
    if mail.header("precedence").strip().casefold() in _BULK:
        return "precedence"
    if _is_null_path(mail):
        return "null-return-path"
    if mail.has("x-loop") or mail.has("x-autogenerated") or mail.has("feedback-id"):
        return "loop-header"
    return None


def _is_null_path(mail: InboundMail) -> bool:
    return any(path.strip() == "<>" for path in mail.headers.get("return-path", ()))


def _ticket(mail: InboundMail, rule: str | None) -> str | None:
    """The rule that makes a message the acknowledgement of a help desk. It needs a sign of a machine and words of receipt."""
    said = squeeze(mail.new_text[:2000])
    subject = mail.header("subject")[:400]
    acknowledges = any(entry in said for entry in auto_words.RECEIPT) or any(
        entry in squeeze(subject) for entry in auto_words.RECEIPT
    )
    if not acknowledges:
        return None
    helpdesk = any(mail.has(name) for name in _HELPDESK) or any(
        entry in squeeze(mail.text[:2000]) for entry in _HELPDESK_TEXT
    )
    numbered = _TICKET_SUBJECT.search(subject) is not None
    machine = rule is not None or _weak(mail) is not None
    if machine and (numbered or helpdesk or rule == "auto-generated"):
        return TICKET
    return None


def _person(mail: InboundMail, rule: str) -> bool:
    """Whether somebody wrote it all the same: no more than `rule` tells it from a person's mail, and it answers us."""
    if not mail.new_text.strip():
        return False
    if rule == "auto-generated":
        return _is_threaded(mail) and (_person_through_helpdesk(mail) or _agent(mail))
    if rule == "auto-submitted":
        # Some help desks mark their agents' answers like this; so do all responders, so only a sure wish counts.
        return _is_threaded(mail) and not _is_absent(mail) and _wish(mail, auto_words.RECEIPT) is not None
    if rule == "subject":
        # Under a subject alone, which anybody can write. Who says there that they are away says more to everybody, too.
        if _weak(mail) is not None:
            return False
        if not _tells_absence(mail):
            return _says_more(mail, _EVERYBODY, hedges=False) or _wish(mail) is not None
        return answers_away(mail.new_text, always=True) or _wish(mail, sure=False) is not None
    return rule.endswith(("+text", "+receipt")) and (
        answers_away(mail.new_text, always=False) or _wish(mail) is not None
    )


def _in_doubt(mail: InboundMail) -> Verdict | None:
    """The guess that takes the place of a final opt-out, where a machine's signs leave in doubt who says it to whom; else None."""
    found = opt_out(mail)
    if found is None or found.kind is not Kind.OPT_OUT:
        return None
    wish = _wish(mail, _EVERYBODY)
    return doubted(found.rule) if wish is None or wish.kind is not Kind.OPT_OUT else None


def _agent(mail: InboundMail) -> bool:
    """A help desk that nobody knows sends for its agent, who says more than everybody is told; Exchange sends for nobody."""
    exchange = mail.has("x-ms-exchange-generated-message-source")
    if exchange or _is_absent(mail) or _is_marked(squeeze(mail.header("subject"))[:300]):
        return False
    return _says_more(mail, _EVERYBODY, hedges=False) or _hands_on(mail)


def _agent_says_more(mail: InboundMail) -> bool:
    """Whether what acknowledges our mail says more than that: an answer, or who has it now."""
    return _says_more(mail, auto_words.RECEIPT) or (not _is_absent(mail) and _hands_on(mail))


def _hands_on(mail: InboundMail) -> bool:
    """Whether one person tells what they did with our mail, or names somebody of their house: who has left cannot, and offices are everybody's."""
    if _gone(mail) is not None:
        return False
    house = (sender(mail.header("from"))[1] or "").casefold().rpartition("@")
    for raw in CLAUSE.split(mail.new_text[:2000]):
        said = squeeze(raw)
        if _PASSED_ON.search(said):
            return True
        for named in addresses(said):
            local, _, domain = named.casefold().rpartition("@")
            other = domain == house[2] and local != house[0] and local not in auto_words.ROLES
            if other and not offers(said) and not has(said, auto_words.POLITE):
                return True
    return False


def _person_through_helpdesk(mail: InboundMail) -> bool:
    """A help desk marks even its agents' answers as generated; without words of receipt such a mail may be a person's."""
    numbered = _TICKET_SUBJECT.search(mail.header("subject")[:400]) is not None
    if numbered and _says_more(mail, auto_words.RECEIPT):
        return True
    return any(mail.has(name) for name in _HELPDESK) or any(
        entry in squeeze(mail.text[:2000]) for entry in _HELPDESK_TEXT
    )


def _is_threaded(mail: InboundMail) -> bool:
    return mail.has("in-reply-to") or mail.has("references")


def _is_list_mail(mail: InboundMail) -> bool:
    """A newsletter or list: list headers, and nothing that ties it to a conversation (a group's member may answer us)."""
    listed = mail.has("list-id") or mail.has("list-unsubscribe") or mail.has("list-post")
    return listed and not _is_threaded(mail)


def _returns(mail: InboundMail) -> date | None:
    """The day of return. A receipt names other days: when the mail was read, until when somebody will answer, a fair."""
    if mail.date is None:
        return None
    text = f"{mail.header('subject')}.\n{mail.new_text[:4000] or mail.text[:4000]}"
    said = squeeze(text)
    away = _is_marked(squeeze(mail.header("subject"))[:300]) or any(
        entry in said for entry in auto_words.ABSENT + auto_words.CLOSED
    )
    if not away and any(entry in said for entry in auto_words.RECEIPT):
        return None
    return return_date(text, mail.date.date(), bare=away)
