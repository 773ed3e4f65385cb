"""The order of the rules and their edges; the shapes of whole messages are in tests/mail/corpus."""

from datetime import UTC, datetime

import pytest

from app.domain.bounce_text import class_of, status_in
from app.domain.inbound import BounceClass, InboundMail, Intent, Kind, classify
from app.domain.inbound_intent import intent
from app.domain.mail_tokens import addresses, bare_subject, clean_address, message_ids, sender

WHEN = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


def mail(text: str = "", **headers: str) -> InboundMail:
    named = {name.replace("_", "-"): (value,) for name, value in headers.items()}
    return InboundMail({"from": ("Anna <anna@editor.test>",), **named}, text=text, new_text=text, date=WHEN)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Happy to add it for $150.", Intent.WANTS_PAYMENT),
        ("Wir nehmen dafür eine Gebühr.", Intent.WANTS_PAYMENT),
        ("Notre tarif est de 80 €.", Intent.WANTS_PAYMENT),
        ("Not at the moment, sorry.", Intent.NOT_NOW),
        ("Momentan nicht, vielleicht später.", Intent.NOT_NOW),
        ("No thanks.", Intent.NO),
        ("Leider nicht möglich.", Intent.NO),
        ("Purtroppo non possiamo.", Intent.NO),
        ("Sounds good, go ahead!", Intent.INTERESTED),
        ("Graag, goed idee.", Intent.INTERESTED),
        ("Oui", Intent.INTERESTED),
        ("Which page do you mean?", Intent.QUESTION),
        ("どのページでしょうか。", Intent.QUESTION),
        ("The weather is fine.", None),
        ("", None),
    ],
)
def test_reads_the_intent(text: str, expected: Intent | None) -> None:
    assert intent(text)[0] == expected


@pytest.mark.parametrize(
    "text",
    [
        "Please do not remove me from your list of readers, I like it.",
        "Your page needs a stop sign picture.",
        "Click here to unsubscribe https://editor.test/u",
        "We can stop by your office.",
        "I never asked to opt in, but happy to read.",
    ],
)
def test_words_that_only_look_like_an_opt_out(text: str) -> None:
    assert classify(mail(text)).kind is Kind.REPLY


PEOPLE = [
    "Thanks for the note. We stopped accepting links last year, but I'll ask Tom.",
    "Hi, your last message went to spam and was blocked by our filter. Can you resend?",
    "I'm on vacation until Monday. Sounds good though!",
    "Automatic translation: happy to add this.",
    "Our ticket system #4432 swallowed your mail, sorry! Which page?",
    "Please don't stop sending me these, very useful.",
    "We have received your mail and like the idea. Let's do it.",
    "Thank you for contacting us. I am the editor, and I would add it for free.",
    "Delivery of our print issue failed last week, so I'm late. Yes to your question.",
    "The link you mention does not exist on our page. Which one?",
    "Das klingt gut, ich bin aber bis Freitag im Urlaub.",
    "Bonjour, votre message n'a pas pu être traité avant. D'accord !",
    "No se pudo antes, lo siento. Sí, lo añado.",
    "Bounced your idea around with the team; the answer is yes.",
    "This is rejected for now but the quota for links resets in May.",
    "You are welcome to remove the second paragraph, then we add it.",
    "I removed the old link and added yours.",
    "We don't have an unsubscribe page on that post, which one do you mean?",
    "Stop by our office when you are in Lisbon!",
    "Mi interessa, mandami il testo.",
    "Estou fora do escritório, mas aceito.",
    "Ik ben op vakantie maar vind het prima.",
    "Jestem na urlopie, ale chętnie dodam link.",
    "出張中ですが、追加します。",
    "我在休假，不过可以添加。",
    "Я в отпуске, но добавлю ссылку.",
    "Ok",
    "👍",
    "?",
    "Sure",
    "",
]


@pytest.mark.parametrize("text", PEOPLE)
@pytest.mark.parametrize(
    "header",
    [
        {},
        {"x_auto_response_suppress": "DR, OOF, AutoReply"},
        {"x_mailer": "Microsoft Outlook 16.0"},
        {"list_id": "<editors.editor.test>", "precedence": "list"},
    ],
)
def test_a_person_is_never_taken_for_a_machine(text: str, header: dict[str, str]) -> None:
    found = classify(
        mail(text, subject="Re: Your checklist", in_reply_to="<a@b>", return_path="<anna@editor.test>", **header)
    )
    assert found.kind is Kind.REPLY, found.rule


def test_an_opt_out_counts_only_in_the_first_five_lines() -> None:
    late = "one\ntwo\nthree\nfour\nfive\nplease unsubscribe me"
    assert classify(mail(late)).kind is Kind.REPLY
    assert classify(mail("one\n\ntwo\n\nplease unsubscribe me")).kind is Kind.OPT_OUT


def test_words_of_failure_alone_never_make_a_bounce() -> None:
    told = "My mail bounced: 550 5.1.1 user unknown. Delivery has failed. What is your address?"
    assert classify(mail(told, subject="Re: Undelivered Mail Returned to Sender")).kind is Kind.REPLY
    assert classify(mail(told, subject="Undelivered Mail Returned to Sender")).kind is Kind.REPLY


def test_a_bounce_that_calls_itself_automatic_is_a_bounce() -> None:
    found = classify(
        mail(
            "could not be delivered\n<ben@editor.test>: 550 5.1.1 User unknown",
            **{"from": "MAILER-DAEMON@host.test", "auto_submitted": "auto-replied", "subject": "failure notice"},
        )
    )
    assert found.kind is Kind.BOUNCE
    assert found.bounce is not None
    assert found.bounce.recipients == ("ben@editor.test",)


def test_one_disputed_header_alone_is_a_person() -> None:
    assert classify(mail("Fine with me.", x_auto_response_suppress="All")).kind is Kind.REPLY
    assert classify(mail("Fine with me.", precedence="bulk")).kind is Kind.REPLY
    assert classify(mail("Fine with me.", auto_submitted="no")).kind is Kind.REPLY
    absent = mail("I am out of the office.", x_auto_response_suppress="All")
    answer = mail("I am out of the office, but yes.", x_auto_response_suppress="All", subject="Re: x")
    assert classify(answer).kind is Kind.REPLY
    assert classify(absent).kind is Kind.AUTO_REPLY


@pytest.mark.parametrize(
    ("status", "code", "words", "expected"),
    [
        ("5.1.1", 550, "user unknown", BounceClass.HARD),
        ("4.1.1", 450, "user unknown", BounceClass.SOFT),
        ("5.2.2", 552, "", BounceClass.SOFT),
        ("5.7.1", 554, "blocked", BounceClass.POLICY),
        ("5.7.1", 550, "no such user here", BounceClass.HARD),
        ("5.0.0", 550, "mailbox full", BounceClass.SOFT),
        ("5.0.0", 550, "", BounceClass.HARD),
        (None, 550, "Sender address rejected", BounceClass.POLICY),
        (None, 550, "no mailbox here by that name", BounceClass.HARD),
        (None, 451, "greylisted", BounceClass.SOFT),
        (None, None, "retry timeout exceeded", BounceClass.SOFT),
    ],
)
def test_says_what_a_failure_says_about_the_address(
    status: str | None, code: int | None, words: str, expected: BounceClass
) -> None:
    assert class_of(status, code, words) is expected


def test_addresses_and_versions_are_no_status() -> None:
    assert status_in("connect to 5.1.1.2 with version 4.2.1.9 at 5.2.1.4:25") == (None, None)
    assert status_in("said: 550 5.1.1 unknown") == ("5.1.1", 550)
    assert status_in("451 4.3.0 later; then 550 5.1.1 gone") == ("5.1.1", 451)


def test_the_sender_is_what_stands_in_the_last_angle_brackets() -> None:
    assert sender("victim@good.test <attacker@evil.test>") == ("victim@good.test", "attacker@evil.test")
    assert sender('"a <b@c.test>" <d@e.test>')[1] == "d@e.test"
    assert sender("anna@Editor.TEST") == ("", "anna@editor.test")
    assert sender("<")[1] is None


def test_small_readers() -> None:
    assert message_ids("<a@b> junk <c@d>\t<a@b>") == ("a@b", "c@d")
    assert message_ids("<" * 50_000) == ()
    many = message_ids(" ".join(f"<{n}@x>" for n in range(200)))
    assert (len(many), many[0], many[4], many[5], many[-1]) == (50, "0@x", "4@x", "155@x", "199@x")
    assert clean_address("rfc822; Anna@Editor.test") == "Anna@editor.test"
    assert addresses("A <a@x.test>, b@y.test; a@x.test") == ("a@x.test", "b@y.test")
    assert bare_subject("Re: AW: Re[2]: SV:  Hello   World") == "hello world"
    assert bare_subject("回复：Hello") == "hello"
