"""Holds apart what only sounds like a failed delivery from what is one: notes of an absence, people at a postmaster's address."""

from __future__ import annotations

import pytest

from app.domain.bounce_text import status_in
from app.domain.inbound import BounceClass, InboundMail, Kind, classify
from app.domain.inbound_bounce import BY_WORDS

AWAY = {
    "from": ("Dana Ruiz <dana@editor.test>",),
    "return-path": ("<>",),
    "auto-submitted": ("auto-replied",),
    "in-reply-to": ("<1.abc@acme.test>",),
    "subject": ("Automatic reply: A dead link in your article",),
}
QUOTE = "\n\nFrom: Ana\nTo: dana@editor.test\n\nHello Dana,\n\nyour page links to https://old.test/guide, and that page does not exist any more."


def note(text: str, quote: str = "", **headers: str) -> InboundMail:
    """An absence note as RFC 3834 asks for it, with a null return path."""
    given = {name.replace("_", "-"): (value,) for name, value in headers.items()}
    return InboundMail({**AWAY, **given}, text=text + quote, new_text=text)


@pytest.mark.parametrize(
    "text",
    [
        "I am out of the office until Monday, 7 December 2026.\n\nDana Ruiz\nPhone: (212) 555-0142\nE-mail: dana@editor.test",
        "Dana no longer works here; her mailbox does not exist any more. Call (212) 555-0142, mail: desk@editor.test",
        "Ich bin vom 4.5.26 bis 5.6.26 nicht im Büro. Ihre Nachricht kann nicht zugestellt werden, bitte rufen Sie an.",
        "Je serai absente jusqu'au 5.1.27. Si cela n'a pas pu attendre, appelez le standard, tél. 02 550 12 34.",
        "Ik ben afwezig t/m 5.1.27. Kon niet eerder antwoorden.",
        "Jestem nieobecna do 5.1.27. Jeśli nie udało się poczekać, proszę dzwonić 22 550 12 34, mail x",
    ],
)
@pytest.mark.parametrize("quote", ["", QUOTE])
def test_a_note_of_an_absence_with_a_null_path_is_no_bounce(text: str, quote: str) -> None:
    assert classify(note(text, quote)).kind is Kind.AUTO_REPLY


def test_a_report_with_the_same_words_is_a_bounce() -> None:
    """The other side: the same words from a machine, outside any thread."""
    report = InboundMail(
        {"return-path": ("<>",), "from": ("Mail <service@far.test>",), "subject": ("Your message",)},
        text="The mail could not be delivered: dana@editor.test\n550 5.1.1 User unknown",
        new_text="The mail could not be delivered: dana@editor.test\n550 5.1.1 User unknown",
    )
    verdict = classify(report)
    assert verdict.rule == "bounce:null-sender-text"
    assert verdict.bounce is not None
    assert verdict.bounce.worst is not None
    assert verdict.bounce.worst.bounce_class is BounceClass.HARD


@pytest.mark.parametrize(
    "subject", ["Automatic reply: Your guide to mail delivery", "Out of office: Failed delivery, a parcel guide"]
)
@pytest.mark.parametrize("path", ["<>", "<dana@editor.test>"])
def test_our_own_subject_behind_the_mark_of_a_responder_speaks_of_no_failure(subject: str, path: str) -> None:
    answer = note("I am away until 5.1.27. Please call 030 450 123, mail room.", subject=subject, return_path=path)
    assert classify(answer).kind is Kind.AUTO_REPLY


@pytest.mark.parametrize(
    ("sender", "subject", "text"),
    [
        ("sysadmin", "Mail delivery problem", "Your mail to our editor could not be delivered, a bad rule. I fixed it; she likes it."),
        ("mailadmin", "Message blocked", "Your mail to our editor was blocked by mistake. I have released it, she will answer you."),
        ("postoffice", "Failed delivery", "Your message arrived at the wrong desk. I passed it to our web editor, he will add the link."),
        ("mailmaster", "Delivery failed", "Your last mail did not reach Anna, her address changed: anna@editor.test. She is interested."),
        ("postmaster", "Your message was rejected", "It was rejected because of a new filter, I have whitelisted you."),
    ],
)  # fmt: skip
def test_a_person_at_the_address_of_a_mail_system_writes_a_letter(sender: str, subject: str, text: str) -> None:
    person = InboundMail(
        {
            "from": (f"Jo Hart <{sender}@editor.test>",),
            "subject": (subject,),
            "return-path": (f"<{sender}@editor.test>",),
        },
        text=text,
        new_text=text,
    )
    assert classify(person).kind is Kind.REPLY


def test_what_only_reads_like_a_report_is_known_by_its_rule() -> None:
    house = InboundMail(
        {"from": ("Post <postmaster@editor.test>",), "subject": ("mail failure",)},
        text="Sorry for the mail failure. Yes, we'd like the link.",
        new_text="Sorry for the mail failure. Yes, we'd like the link.",
    )
    assert classify(house).rule in BY_WORDS


@pytest.mark.parametrize(
    "text",
    [
        "Phone: (212) 555-0142\nE-mail: a@b.test",
        "Tel. 030 450 1234\nMail: x",
        "Tel +41 44 552 11 11 E-Mail x",
        "550 Market Street, mail: x",
        "costs 550 EUR per mail",
        "WordPress 5.4.2 is out",
        "chapter 5.1.1 of our guide",
        "bis 4.1.27 abwesend",
        "vom 4.5.26 bis 5.6.26, Mail",
        "Neu ab 5.2.26 im Haus",
    ],
)
def test_days_versions_telephones_and_sums_are_no_codes(text: str) -> None:
    assert status_in(text) == (None, None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("550-5.7.26 This mail is unauthenticated", ("5.7.26", 550)),
        ("said: 550 5.7.25 no PTR", ("5.7.25", 550)),
        ("#5.7.27 smtp;", ("5.7.27", None)),
        ("failed with 5.1.1", ("5.1.1", None)),
        ("450 4.2.1 try later", ("4.2.1", 450)),
        ("550 Requested action not taken", (None, 550)),
    ],
)
def test_the_codes_of_servers_are_still_read(text: str, expected: tuple[str, int]) -> None:
    assert status_in(text) == expected
