"""The order of the rules and their edges; the shapes of whole messages are in tests/mail/corpus."""

from datetime import UTC, datetime

import pytest

from app.domain.bounce_class import class_of
from app.domain.bounce_text import status_in
from app.domain.inbound import BounceClass, InboundMail, Intent, Kind, classify
from app.domain.inbound_auto import CHALLENGE, GROUP, LEFT, SUBJECT
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


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("Jürgen <jürgen@editor.test>", "jürgen@editor.test"),
        ("ju\u0308rgen@editor.test", "jürgen@editor.test"),
        ("jurgen@bücher.example", "jurgen@xn--bcher-kva.example"),
        ("用户 <用户@例え.テスト>", "用户@xn--r8jz45g.xn--zckzah"),
        ("अमित <अमित@editor.test>", "अमित@editor.test"),
        ("анна@почта.рф", "анна@xn--80a1acny.xn--p1ai"),
        ("anna@Straße.example", "anna@xn--strae-oqa.example"),
        ("anna@stra\u200dsse.example", None),
        ('"j d"@editor.test', None),
        ('Dana <"john doe"smith@editor.test>', None),
        ('"c@d.test"@editor.test', None),
        ("a@b@editor.test", None),
        ("anna@" + "x" * 64 + "ü.test", None),
        ('"dana@editor.test"', "dana@editor.test"),
        ("anna@editor.test、ben@editor.test", "anna@editor.test"),
    ],
)
def test_an_address_is_read_whole_or_not_at_all(written: str, address: str | None) -> None:
    assert sender(written)[1] == address
    assert addresses(written)[:1] == ((address,) if address else ())
    assert addresses("A <a@x.test>, b@y.test; a@x.test") == ("a@x.test", "b@y.test")
    assert bare_subject("Re: AW: Re[2]: SV:  Hello   World") == "hello world"
    assert bare_subject("回复：Hello") == "hello"


DESK = {
    "x_zendesk_from_account_id": "1",
    "auto_submitted": "auto-generated",
    "in_reply_to": "<a@b>",
    "subject": "Re: Your checklist",
}
NUMBERED = {"x_auto_response_suppress": "All", "in_reply_to": "<a@b>", "subject": "Re: Your checklist (ticket 1234)"}
GENERATED = {"auto_submitted": "auto-generated", "references": "<a@b>", "subject": "[Ticket #1234] Your checklist"}


@pytest.mark.parametrize("headers", [DESK, NUMBERED, GENERATED])
@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("Hi Anna, thank you for contacting us. I added the link today!", Intent.INTERESTED),
        ("Thanks for reaching out! I have added your link.", Intent.INTERESTED),
        ("Thank you for contacting us, unfortunately we do not accept guest posts.", Intent.NO),
        ("Thanks for reaching out. Our fee for a link is USD 100.", Intent.WANTS_PAYMENT),
        ("Thanks for contacting us. Which page do you mean?", Intent.QUESTION),
        ("Vielen Dank für Ihre Anfrage! Ich habe den Link eingefügt.", Intent.INTERESTED),
        ("Nous avons bien reçu votre message. J'ai ajouté le lien.", Intent.INTERESTED),
        ("Abbiamo ricevuto la sua richiesta. Il link è stato aggiunto.", Intent.INTERESTED),
        ("Wij hebben uw bericht ontvangen. Link is toegevoegd!", Intent.INTERESTED),
        ("Thanks for reaching out. Not interested, sorry. Please stop writing.", Intent.OPT_OUT),
    ],
)
def test_a_person_who_answers_through_a_help_desk_is_a_person(text: str, wish: Intent, headers: dict[str, str]) -> None:
    found = classify(mail(text, **headers))
    assert found.kind is (Kind.OPT_OUT if wish is Intent.OPT_OUT else Kind.REPLY), found.rule
    assert found.intent is wish


@pytest.mark.parametrize("headers", [DESK, NUMBERED, GENERATED])
@pytest.mark.parametrize(
    "text",
    [
        "Thank you for contacting Editor Support. We have received your request and will get back to you within 24 hours.\n"
        "If you have any further questions, please reply to this email. We are happy to help!",
        "Your request has been received. Unfortunately we are experiencing a high volume of requests.\n"
        "In the meantime, have you checked our FAQ? Need help faster? Visit our help center.",
        "We have received your message (ticket number 1234). For invoices and prices, please contact billing.",
        "Vielen Dank für Ihre Anfrage. Leider kommt es derzeit zu längeren Wartezeiten. Haben Sie noch Fragen?\n"
        "Wir helfen Ihnen gerne weiter.",
        "Nous avons bien reçu votre demande. Notre équipe vous répondra avec plaisir dans les 24 heures.",
        "Hemos recibido su mensaje. Lamentablemente, el tiempo de respuesta es mayor de lo habitual.",
        "Thanks for contacting us. Did you know that most answers are in our docs? Visit docs.editor.test.",
        "Thank you for contacting us. We aim to reply within 2 days. Unfortunately we cannot answer every mail.",
        "Ваше обращение принято. К сожалению, время ответа увеличено.",
    ],
)
def test_what_help_desks_say_to_everybody_is_no_answer(text: str, headers: dict[str, str]) -> None:
    found = classify(mail(text, **headers))
    assert (found.kind, found.ticket) == (Kind.AUTO_REPLY, True), found.rule


def test_an_absence_note_with_an_answer_in_it_is_a_person() -> None:
    told = {"x_auto_response_suppress": "All", "subject": "Your checklist"}
    assert classify(mail("Sorry, I was on vacation. We like it and added it.", **told)).kind is Kind.REPLY
    assert classify(mail("Unfortunately I am on vacation. I will be happy to answer when I am back.", **told)).kind is (
        Kind.AUTO_REPLY
    )


def test_a_subject_that_is_ours_says_nothing_about_the_sender() -> None:
    answer = mail(
        "Nice list, thanks.", subject="Re: Out of office templates", x_auto_response_suppress="All", in_reply_to="<a@b>"
    )
    assert classify(answer).rule == SUBJECT
    assert classify(answer, own_subject=True).kind is Kind.REPLY
    marked = mail("x", subject="Re: Out of office templates", auto_submitted="auto-replied")
    assert classify(marked, own_subject=True).kind is Kind.AUTO_REPLY


@pytest.mark.parametrize(
    "text",
    [
        "I no longer work here, please write to Tom (tom@editor.test).",
        "Thank you for your email. Dana Ruiz is no longer with the company.",
        "Dejé la empresa en mayo.",
        "I have left Editor and this mailbox is not monitored. Please contact tom@editor.test.",
        "This email address is no longer in use.",
        "Ich bin nicht mehr für Editor tätig. Bitte wenden Sie sich an Tom.",
        "Frau Ruiz ist nicht mehr im Unternehmen.",
        "Je ne travaille plus chez Editor. Merci d'écrire à Tom.",
        "Dana a quitté l'entreprise.",
        "Ya no trabajo en Editor. Escriba a Tom.",
        "Non lavoro più in Editor. Scrivete a Tom.",
        "Já não trabalho na Editor. Escreva ao Tom.",
        "Ik werk niet meer bij Editor. Mail Tom.",
        "Nie pracuję już w Editor. Proszę pisać do Toma.",
        "Jag arbetar inte längre på Editor.",
        "Jeg arbejder ikke længere hos Editor.",
        "Jeg jobber ikke lenger i Editor.",
        "En ole enää töissä Editorissa.",
        "Я больше не работаю в компании.",
        "退職いたしました。後任のトムにご連絡ください。",
        "我已离职，请联系汤姆。",
        "퇴사하였습니다. 톰에게 연락해 주세요.",
        "Artık Editor'da çalışmıyorum.",
        "Již zde nepracuji.",
    ],
)
def test_a_machine_that_says_that_somebody_has_left(text: str) -> None:
    found = classify(mail(text, auto_submitted="auto-replied", subject="Automatic reply: Your checklist"))
    assert (found.kind, found.rule) == (Kind.AUTO_REPLY, LEFT)


@pytest.mark.parametrize(
    "text",
    [
        "Your message is being held. Please verify your message by clicking the link below.",
        "To prove that you are a human, click here and your mail will be delivered.",
        "I am protecting myself from spam. Please confirm that you sent this message.",
        "Bitte bestätigen Sie Ihre Nachricht, damit sie zugestellt wird.",
        "Veuillez confirmer votre message en cliquant sur le lien.",
    ],
)
def test_a_filter_that_asks_whether_we_are_people(text: str) -> None:
    found = classify(mail(text, auto_submitted="auto-replied", subject="Your checklist"))
    assert (found.kind, found.rule) == (Kind.AUTO_REPLY, CHALLENGE)


def test_somebody_who_is_away_has_not_left() -> None:
    for text in (
        "I have left the office for a week, back on Monday.",
        "I am away until 5 May. For urgent matters contact Tom, who has left his number below.",
        "I am on leave until Monday. Tom no longer covers for me.",
    ):
        found = classify(mail(text, auto_submitted="auto-replied", subject="Automatic reply: Your checklist"))
        assert found.rule not in (LEFT, CHALLENGE)


def test_mail_of_a_group_is_told_from_a_newsletter() -> None:
    group = {"list_id": "<editors.editor.test>", "subject": "Your checklist"}
    assert classify(mail("We added it", **group)).rule == GROUP
    assert (
        classify(mail("We added it", **group, list_post="<mailto:e@x>", list_unsubscribe="<mailto:u@x>")).rule == GROUP
    )
    assert classify(mail("News", **group, list_unsubscribe="<mailto:u@x>")).rule == "list-mail"
    assert classify(mail("News", **group, list_post="NO", list_unsubscribe="<mailto:u@x>")).rule == "list-mail"
