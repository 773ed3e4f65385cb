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
            exceeded its | exceeded his | exceeded their | limit exceeded | exceeded limit
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
        _REFUSED,
    ),
    (
        Reason.POLICY,
        phrases("attachment | embedded image | html mail | html message | executable"),
        _REFUSED,
    ),
    (
        Reason.POLICY,
        phrases("tls | starttls | encrypt"),
        phrases("require | must | not support | fail | need | without | mandatory | unable | could not | policy"),
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
            unknown | not found | not exist | no such | invalid | not valid | disabled | inactive |
            not active | deactivat | terminat | closed | removed | deleted | no longer | expired | cancel |
            suspended | discontinu | retired | incorrect | misspell | mistyped | not listed | undefined | not defined |
            not recogni | unrecogni | has left | have left | not known | unable to find | not locat | abandoned |
            not configured | not registered | not hosted | does not match any | is not a | locked out | obsolete | not receiving
            """
        ),
    ),
    (
        Reason.UNKNOWN_HOST,
        phrases("domain | host name | hostname | mx record | mail exchanger | mail exchange"),
        phrases("not exist | not found | no such | unknown | invalid | not valid | unable to find | no mail | no mx"),
    ),
    (
        Reason.TRANSIENT,
        phrases(
            """
            server | host | system | service | connection | network | dns | queue | mailbox | maildir | disk | resource |
            delivery | attempt | session | database | lookup | ldap | gateway | processing | message | rate | spool | retry | recipient
            """
        ),
        phrases(
            """
            busy | overload | unavailable | is down | temporar | try again | later | timed out | timeout | time limit | expired |
            too many | lock | congest | exhaust | maintenance | not respond | no response | unreachable |
            aborted after | gave up | giving up | given up | too long | too fast | too quickly | too much | throttl |
            frequency | internal error | exceeded the rate | rate exceeded | rate limit | could not connect | i/o
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
        phrases("field | header | resent-from | message-id"),
        phrases("given | missing | duplicate | multiple | malformed | without | rfc"),
    ),
)
_SHORT = 600
_BETWEEN = re.compile(r"[^\w:./\-]+")


def paired_reason(text: str, *, coded: bool) -> Reason | None:
    """The first pair that stands in one sentence or line of `text`; None when there is none.

    A stem counts where a word begins. `coded`: a reply code stands beside the text, so it may be a server's alone.
    """
    plain = text[:4000].casefold().replace("’", "'").replace("n't", " not").replace("! ", "\n").replace("? ", "\n")
    sentences = [f" {_BETWEEN.sub(' ', sentence)}" for sentence in plain.replace(". ", "\n").split("\n") if sentence]
    for reason, subjects, predicates in _PAIRS + (_BROAD if coded and len(text) <= _SHORT else ()):
        for sentence in sentences:
            if any(f" {entry}" in sentence for entry in predicates) and any(
                f" {entry}" in sentence for entry in subjects
            ):
                return reason
    return None
