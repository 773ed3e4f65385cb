"""What a failed delivery says about the address: by the code, by the words, by what was refused, and where nothing is known."""

import pytest

from app.domain.bounce_class import class_of, reason_of, why
from app.domain.bounce_stage import Stage, stage_of
from app.domain.bounce_text import read_text, status_in, told_about
from app.domain.bounce_words import Reason
from app.domain.inbound import BounceClass, classify
from app.inbox.parse import parse
from tests.support.growth import LINEAR, growth, repeated

HARD, SOFT, POLICY = BounceClass.HARD, BounceClass.SOFT, BounceClass.POLICY
NOBODY: frozenset[str] = frozenset()


def of(reply: str, stage: Stage | None = None) -> BounceClass:
    status, code = status_in(reply)
    return class_of(status, code, reply, stage=stage, reply=reply)


@pytest.mark.parametrize(
    ("stage", "reply", "expected"),
    [
        (Stage.GREETING, "550 Who are you, then", POLICY),
        (Stage.GREETING, "554 no such user as this host", POLICY),
        (Stage.GREETING, "554 too busy, come again", SOFT),
        (Stage.GREETING, "521 this machine takes no mail", HARD),
        (Stage.GREETING, "521 your network is blocked here", POLICY),
        (Stage.SENDER, "550 5.1.1 <us@ours.test>: unknown here", POLICY),
        (Stage.SENDER, "553 <us@ours.test>: no such address", POLICY),
        (Stage.SENDER, "552 5.2.3 that is larger than we take", SOFT),
        (Stage.SENDER, "556 5.1.10 the domain takes no mail", HARD),
        (Stage.RECIPIENT, "550 5.1.1 <ann@far.test>: unknown here", HARD),
        (Stage.RECIPIENT, "553 <ann@far.test>: no such address", HARD),
        (Stage.RECIPIENT, "550 <ann@far.test> rejected", HARD),
        (Stage.RECIPIENT, "550 <ann@far.test>: reverse DNS of your host is missing", POLICY),
        (Stage.CONTENT, "550 We prefer other words", SOFT),
        (Stage.CONTENT, "550 We prefer other words from this user", SOFT),
        (Stage.CONTENT, "554 Words rejected", POLICY),
        (Stage.CONTENT, "550 no such user here", HARD),
    ],
)
def test_what_was_refused_tells_what_it_is_about(stage: Stage, reply: str, expected: BounceClass) -> None:
    assert of(reply, stage) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("host mx.far.test refused to talk to me: 554 no", Stage.GREETING),
        ("SMTP error from remote server after initial connection: 554 no", Stage.GREETING),
        ("550 no (in reply to MAIL FROM command)", Stage.SENDER),
        (">>> MAIL From:<us@ours.test> SIZE=1\n<<< 550 no", Stage.SENDER),
        ("550 no (in reply to RCPT\n    TO command)", Stage.RECIPIENT),
        ("192.0.2.9 does not like recipient.\nRemote host said: 550 no", Stage.RECIPIENT),
        ("192.0.2.9 failed after I sent the message.\nRemote host said: 554 no", Stage.CONTENT),
        (">>> RCPT To:<a@far.test>\n<<< 550 no\n>>> DATA\n<<< 503 no recipients", Stage.RECIPIENT),
        ("550 no", None),
        ("", None),
    ],
)
def test_finds_what_was_refused(text: str, expected: Stage | None) -> None:
    assert stage_of(text) is expected


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        # An account that is there and shut is not a dead address; one that is gone is.
        ("550 5.2.1 The mailbox of ann is disabled", SOFT),
        ("550 User ann is suspended for the time being", SOFT),
        ("525 5.7.13 <ann@far.test>: user account disabled", SOFT),
        ("550 this inbox is frozen", SOFT),
        ("551 <ann@far.test> is a deactivated mailbox", HARD),
        ("550 Account closed due to inactivity", HARD),
        ("550 the account was deleted last year", HARD),
        ("550 Mailbox terminated", HARD),
        # About the moment, whatever the first digit is.
        ("550 5.2.1 ann receives mail at a rate that is too high", SOFT),
        ("550 host not found, try again", SOFT),
        ("554 5.7.1 Rejected by the greylist milter; retry", SOFT),
        ("550 Domain frozen", SOFT),
        ("550 the load is too high for mail", SOFT),
        ("554 it would make a mail loop", SOFT),
        ("550 can not open the file of the mailbox, errno=13", SOFT),
        ("550 internal server error 17", SOFT),
        ("550 you have sent too many mails per hour", SOFT),
        ("550 We tried to deliver for the last 5 days", SOFT),
        ("550 ann has exhausted allowed space", SOFT),
        # About us.
        ("550 5.7.0 <ann@far.test>: no permit", POLICY),
        ("550 you have to authenticate first", POLICY),
        ("553 AUTH FAILED for ann@far.test", POLICY),
        ("550 only members write to this members-only list", POLICY),
        ("550 that domain isn't in my list of hosts", POLICY),
        ("550 our rules: messages from 192.0.2.7 are not sent on", POLICY),
        ("550 Go away", POLICY),
        ("554-Nemesis Service not available 554-Bad DNS PTR resource record", POLICY),
        ("550 The mailbox does not receive mail from outside", POLICY),
        ("550 Recipient not in allow list", POLICY),
        ("554 Denied (Mode: normal)", POLICY),
        ("550 this user does not take letters in that character set", POLICY),
        # About the address.
        ("550 5.7.1 no such user here", HARD),
        ("550 5.7.1 No such domain at this location", HARD),
        ("550 Empfänger nicht existiert", HARD),
        ("550 Compte inexistant", HARD),
        ("550 사용자를 찾을 수 없습니다", HARD),
        ("550 5.2.1 <ann@far.test> user unknown", HARD),
        ("550 5.2.0 <ann@far.test> user unknown", HARD),
        ("550 sorry, nobody: badrcptto", HARD),
        ("550 mailbox ann@far.test unavailable (?)", HARD),
        ("550 5.7.27 <ann@far.test>: the domain does not accept mail", HARD),
        ("550 5.4.1 <ann@far.test>: access denied", HARD),
        ("550 5.4.4 the host does not exist", HARD),
        # A frame alone is about the address; a reason in it is heard first.
        ("550 5.0.0 <ann@far.test>: recipient address rejected", HARD),
        ("550 5.0.0 <ann@far.test>: recipient address rejected: mailbox full", SOFT),
        ("550 5.0.0 <ann@far.test>: recipient address rejected: spam found", POLICY),
        # The codes that a server repeats stand in the middle of its words.
        ("550-5.1.1 There is no such 550-5.1.1 user at this 550 5.1.1 house", HARD),
        ("550-5.0.0 This mailbox is 550-5.0.0 full of letters", SOFT),
    ],
)
def test_a_reply_is_weighed_by_what_it_speaks_of(reply: str, expected: BounceClass) -> None:
    assert of(reply) is expected


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("550", HARD),
        ("550 No", HARD),
        ("553 5.0.0", HARD),
        ("550 ann@far.test: hm", HARD),
        ("550 This recipient gives us pause", SOFT),
        ("550 この宛先は理由により", SOFT),
        ("550 We are closed to the likes of this", SOFT),
        ("550 Rule 17 of our house says otherwise", SOFT),
        ("554 Rule 17 of our house says otherwise", SOFT),
        ("500 What was that", SOFT),
        ("421 Not now", SOFT),
        ("535 No", POLICY),
        ("521 We take none", HARD),
    ],
)
def test_words_that_nobody_here_understands_condemn_no_address(reply: str, expected: BounceClass) -> None:
    assert of(reply) is expected


def test_the_letter_around_a_reply_lends_it_no_reason() -> None:
    letter = "The content of your message must follow below.\n550 Rule 17 of our house says otherwise"
    assert class_of(None, 550, letter) is POLICY
    assert class_of(None, 550, letter, reply="550 Rule 17 of our house says otherwise") is SOFT


def test_the_name_of_a_host_is_no_reason() -> None:
    assert reason_of("This is the mail program at relay.far.test") is None
    assert reason_of("host antispam.mx.far.test said no") is None
    assert reason_of("relay access denied by relay.far.test") is Reason.POLICY
    assert reason_of("rejected as spam.See the page") is Reason.POLICY
    assert reason_of("blocked using zen.spamhaus.org") is Reason.POLICY


def test_a_phrase_outweighs_a_pair_of_stems_and_a_frame_comes_last() -> None:
    assert why("relay access denied: the user is unknown", coded=True) is Reason.POLICY
    assert reason_of("recipient rejected: over quota") is Reason.FULL
    assert reason_of("recipient rejected") is Reason.UNKNOWN_USER
    # Stems as broad as these count in a server's reply alone.
    assert why("the message is invalid", coded=True) is Reason.POLICY
    assert why("the message is invalid", coded=False) is None


def report(text: str, fields: str | None, kind: str = "report; report-type=delivery-status") -> bytes:
    part = f"--b\r\nContent-Type: message/delivery-status\r\n\r\n{fields}\r\n\r\n" if fields else ""
    return (
        "Return-Path: <>\r\nFrom: Mail Delivery System <mailer-daemon@relay.test>\r\nTo: us@ours.test\r\n"
        "Subject: Mail delivery failed\r\nMessage-ID: <1@relay.test>\r\nMIME-Version: 1.0\r\n"
        f'Content-Type: multipart/{kind}; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n{text}\r\n\r\n{part}--b--\r\n'
    ).encode()


def classes(raw: bytes) -> dict[str | None, BounceClass]:
    found = classify(parse(raw)).bounce
    assert found is not None
    return {failure.recipient: failure.bounce_class for failure in found.failures}


TWO = {"ann@far.test": HARD, "ben@far.test": SOFT}


def test_each_recipient_of_a_text_has_words_of_his_own() -> None:
    text = (
        "The following addresses failed:\r\n\r\n  ann@far.test\r\n    after RCPT TO:<ann@far.test>:\r\n    550 nobody of that name: "
        "user unknown\r\n  ben@far.test\r\n    after RCPT TO:<ben@far.test>:\r\n    550 the mailbox is full\r\n"
    )
    assert classes(report(text, None, "mixed")) == TWO


def test_each_recipient_of_the_fields_is_looked_up_in_the_text() -> None:
    text = "An error occurred for these recipients:\r\n\r\nann@far.test: user unknown\r\nben@far.test: mailbox full\r\n\r\nThat is all."
    fields = "\r\n\r\n".join(
        ["Reporting-MTA: dns; relay.test"]
        + [f"Final-Recipient: rfc822; {address}\r\nAction: failed\r\nStatus: 5.0.0" for address in TWO]
    )
    assert classes(report(text, fields)) == TWO
    coded = text.replace("user unknown", "550 5.1.1 not with us").replace("mailbox full", "552 5.2.2 no room for more")
    assert classes(report(coded, fields)) == TWO


def test_a_delay_that_the_fields_call_delayed_condemns_nobody() -> None:
    fields = "Reporting-MTA: dns; relay.test\r\n\r\nFinal-Recipient: rfc822; ann@far.test\r\nAction: delayed\r\nStatus: 4.0.0"
    assert classes(report("ann@far.test: 550 5.1.1 user unknown", fields)) == {"ann@far.test": SOFT}


def test_what_was_refused_is_read_from_the_text_beside_the_fields() -> None:
    fields = (
        "Reporting-MTA: dns; relay.test\r\n\r\nFinal-Recipient: rfc822; ann@far.test\r\nAction: failed\r\nStatus: 5.0.0\r\n"
        "Diagnostic-Code: smtp; 550 <us@ours.test>: no such user"
    )
    told = "<ann@far.test>: host mx.far.test said: 550 <us@ours.test>: no such user (in reply to {} command)"
    assert classes(report(told.format("MAIL FROM"), fields)) == {"ann@far.test": POLICY}
    assert classes(report(told.format("RCPT TO"), fields)) == {"ann@far.test": HARD}


def test_what_a_gateway_puts_before_the_reply_is_not_the_reply() -> None:
    fields = "Reporting-MTA: dns; relay.test\r\n\r\nFinal-Recipient: rfc822; ann@far.test\r\nAction: failed\r\nStatus: 5.1.0\r\n"
    said = "Diagnostic-Code: smtp; 5.1.0 - Unknown address error 550-'{}' (delivery attempts: 0)"
    for reply, expected in (("5.7.1 <us@ours.test>... Access denied", POLICY), ("5.1.1 no such user", HARD)):
        assert classes(report("It failed.", fields + said.format(reply))) == {"ann@far.test": expected}


@pytest.mark.parametrize(
    "seed",
    ["a@b.test ", "a@b.test:\n", "<a@b.test>\n 550 5.1.1 x\n", "550 5.1.1 ", "550-5.1.1 user ", ">>> rcpt to ", "user. ", "not exist\n", "-\n", " "],
)  # fmt: skip
def test_a_text_made_to_hurt_is_read_in_time(seed: str) -> None:
    def read(text: str) -> None:
        read_text(text, NOBODY)
        told_about(text, "a@b.test", NOBODY, alone=False)
        stage_of(text)
        of(text)

    assert growth(read, repeated(seed), 400_000, most=1.5) < LINEAR
