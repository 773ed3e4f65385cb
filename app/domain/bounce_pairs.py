"""Why a server did not deliver, told by pairs of word stems: what it speaks of, and what it says of that.

Servers word their refusals as they like, so no table of phrases is ever complete. "Sender", "From:" or "your network" beside
"denied", "missing" or "not allowed" in one sentence is about us; "recipient", "mailbox" or "user" beside "unknown" or "closed"
is about the address; "server" or "connection" beside "busy" or "later" is about the moment. Phrases are asked first. Plain `in`
over sentences of one text: linear.
"""

from __future__ import annotations

import re

from app.domain.bounce_words import Reason, phrases

_Pair = tuple[Reason, tuple[str, ...], tuple[str, ...]]

_REFUSED = phrases(
    """
    reject | block | denied | deny | refus | not allowed | disallow | not permitted | not accept | unacceptable | prohibit | forbidden | filtered | quarantin | discard | restrict | not authori | unauthori |
    not approved | not welcome | unwanted | suspicio | malicious | harmful | infected | dangerous | bulk | listed | ban |
    violat | not compliant | non-compliant | not comply | untrusted | not trusted | fail | missing | must | invalid |
    not valid | verif | does not resolve | not resolv | require | bad | no valid | illegal | malformed |
    does not exist | not exist | not found | unknown | not match | mismatch | too low | unrout | unresolv | undeliverable
    """
)

# Asked in this order, each over one sentence; the second and third member must both be in it.
_PAIRS: tuple[_Pair, ...] = (
    (
        Reason.TOO_LARGE,
        phrases("message | mail | size | attachment | content | data"),
        phrases(
            """
            too large | too big | too long | size limit | size exceed | size is exceed | maximum size | max size | maximum message |
            max message | max mail | maximum mail | larger than | exceeds the size | exceeded the size | size restriction |
            maximum allowed | maximum permitted | exceeds the maximum | allowed size | too heavy | bytes limit
            """
        ),
    ),
    (
        Reason.FULL,
        phrases(
            "mailbox | mail box | inbox | account | user | recipient | quota | storage | disk | maildir | folder | space"
        ),
        phrases(
            """
            is full | over limit | over the limit | quota | out of space | no space | not enough space | exceeded the size |
            storage limit | space limit | insufficient | exceeded allowed | too many messages | too many mails | overflow |
            exhausted allowed | exhausted the | exhausted its | exceeded its | exceeded his | exceeded their | limit exceeded | exceeded limit
            """
        ),
    ),
    (
        Reason.POLICY,
        phrases(
            """
            sender | from: | from address | from header | from field | mail from | return-path | return path | reverse-path |
            envelope from | originator | helo | ehlo | your ip | ip address | your host | host network | your network | your server |
            your domain | your mail server | sending server | sending host | sending ip | sending domain | sending mta |
            connecting | client | dns record | reverse dns | ptr | rdns | spf | dkim | dmarc | arc | certificate
            """
        ),
        (*_REFUSED, "has no", "have no"),
    ),
    (
        Reason.POLICY,
        phrases("attachment | embedded image | html mail | html message | executable"),
        _REFUSED,
    ),
    (
        Reason.POLICY,
        phrases("messages from | mail from | email from | emails from | mails from"),
        phrases("not sent | not accept | refus | reject | block | unwanted"),
    ),
    (
        Reason.POLICY,
        phrases("tls | starttls | encrypt"),
        phrases("require | must | not support | fail | need | without | mandatory | unable | could not | policy"),
    ),
    (
        Reason.SUSPENDED,
        phrases(
            "recipient | user | mailbox | mail box | account | email address | e-mail address | mail address | subscriber"
        ),
        phrases(
            """
            disabled | inactive | not active | suspended | locked | frozen | archived | not receiving | on hold | not accepting mail for
            """
        ),
    ),
    (
        Reason.UNKNOWN_USER,
        phrases(
            """
            recipient | user | mailbox | mail box | account | local part | local-part | username | userid | addressee |
            email address | e-mail address | mail address | alias | destination address | person | subscriber | member
            """
        ),
        phrases(
            """
            unknown | not found | not exist | no such | invalid | not valid | closed | removed | deleted | no longer | deactivat |
            terminat | discontinu | abandoned | not activat |
            expired | cancel | retired | incorrect | misspell | mistyped | not listed | undefined | not defined |
            not recogni | unrecogni | has left | have left | not known | unable to find | not locat |
            not configured | not registered | not hosted | does not match any | is not a | obsolete | unavailable | not available
            """
        ),
    ),
    (
        Reason.UNKNOWN_HOST,
        phrases("domain | host | host name | hostname | mx record | mail exchanger | mail exchange"),
        phrases("not exist | not found | no such | unknown | invalid | not valid | unable to find | no mail | no mx"),
    ),
    (
        Reason.TRANSIENT,
        phrases("deliver | undeliver | attempt | tried | trying | retried"),
        phrases("for the last | for more than | for over | hours | days | seconds | minutes"),
    ),
    (
        Reason.TRANSIENT,
        phrases(
            """
            server | host | name server | system | service | connection | network | dns | queue | mailbox | maildir | disk | resource |
            delivery | attempt | session | database | lookup | ldap | gateway | processing | message | rate | spool | retry | recipient
            """
        ),
        phrases(
            """
            busy | overload | unavailable | is down | temporar | try again | later | timed out | timeout | time limit | expired |
            too many | lock | congest | exhaust | maintenance | not respond | no response | unreachable |
            aborted after | gave up | giving up | given up | too long | too fast | too quickly | too much | throttl |
            frequency | internal error | lookup fail | server fail | exceeded the rate | rate exceeded | rate limit | could not connect | i/o
            """
        ),
    ),
)
# Only where the text is a server's reply and not a letter around it.
_BROAD: tuple[_Pair, ...] = (
    (
        Reason.POLICY,
        phrases(
            "message | mail | content | attachment | url | link | body | header | subject | transaction | data | connection"
        ),
        _REFUSED,
    ),
    (
        Reason.POLICY,
        phrases("field | header | resent-from | reply-to | message-id"),
        phrases("given | missing | duplicate | multiple | malformed | without | rfc | should"),
    ),
)
_SHORT = 600
_BETWEEN = re.compile(r"[^\w:./\-]+")


def paired_reason(text: str) -> Reason | None:
    """The first pair that stands in one sentence or line of `text`; None when there is none. A stem counts where a word begins."""
    return _first(_PAIRS, text)


def refused_text(text: str) -> Reason | None:
    """The same for stems that are so broad ("message" beside "rejected") that they count in a server's reply alone."""
    return _first(_BROAD, text) if len(text) <= _SHORT else None


def _first(pairs: tuple[_Pair, ...], text: str) -> Reason | None:
    plain = text[:4000].casefold().replace("’", "'").replace("n't", " not").replace("! ", "\n").replace("? ", "\n")
    sentences = [f" {_BETWEEN.sub(' ', sentence)}" for sentence in plain.replace(". ", "\n").split("\n") if sentence]
    for reason, subjects, predicates in pairs:
        for sentence in sentences:
            if any(f" {entry}" in sentence for entry in predicates) and any(
                f" {entry}" in sentence for entry in subjects
            ):
                return reason
    return None
