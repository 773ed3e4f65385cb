"""What tells a person's answer from a machine's where headers and subject speak for the machine."""

import pytest

from app.domain.inbound import Intent, Kind, classify
from app.domain.inbound_auto import SUBJECT
from tests.domain.test_inbound import mail

THREAD = {"in_reply_to": "<a@b>", "subject": "Re: Your checklist"}
GENERATED = {**THREAD, "auto_submitted": "auto-generated"}
REPLIED = {**THREAD, "auto_submitted": "auto-replied"}


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("The editors looked at it and would rather not change the page.", Intent.NO),
        ("Wir haben intern beraten und nehmen keine weiteren Links auf.", Intent.NO),
        ("Cześć, nie umieszczamy linków zewnętrznych.", Intent.NO),
        ("Hi, link placements are 120 EUR. Sam", Intent.WANTS_PAYMENT),
        ("Buongiorno, di quale pagina si tratta?", Intent.QUESTION),
        ("編集部で確認し、リンクを差し替えました。", Intent.INTERESTED),
        ("Hola, por favor no nos escriban más.", Intent.OPT_OUT),
    ],
)
def test_an_agent_of_an_unknown_help_desk_is_a_person_in_our_thread(text: str, wish: Intent) -> None:
    found = classify(mail(text, **GENERATED))
    assert (found.kind, found.intent) == (Kind.OPT_OUT if wish is Intent.OPT_OUT else Kind.REPLY, wish), found.rule
    alone = classify(mail(text, auto_submitted="auto-generated", subject="Your checklist"))
    assert alone.kind is Kind.AUTO_REPLY


@pytest.mark.parametrize(
    "text",
    [
        "Merci pour votre message. Malheureusement nos bureaux sont fermés aujourd'hui.",
        "Tak for din mail. Desværre er vores kontor lukket i dag, vi vender tilbage.",
        "This inbox is not monitored. Please do not reply to this mail.",
        "Leider sind wir telefonisch nicht erreichbar, wir melden uns in Kürze.",
        "翌営業日に対応いたします。申し訳ございませんが電話では対応できません。",
        "I am out of the office. We do not link to shops, says our guide: editor.test/faq",
    ],
)
def test_what_machines_say_in_our_thread_is_no_answer(text: str) -> None:
    assert classify(mail(text, **GENERATED)).kind is Kind.AUTO_REPLY
    assert classify(mail(text, **REPLIED)).kind is Kind.AUTO_REPLY


def test_what_exchange_generates_is_never_an_agent() -> None:
    told = mail("We do not add links.", **GENERATED, x_ms_exchange_generated_message_source="Mailbox Rules Agent")
    assert classify(told).kind is Kind.AUTO_REPLY


def test_a_responder_says_no_more_than_a_sure_wish() -> None:
    assert classify(mail("Ne nous contactez plus, merci.", **REPLIED)).kind is Kind.OPT_OUT
    assert classify(mail("We would rather not change the page.", **REPLIED)).kind is Kind.AUTO_REPLY
    away = "Please do not send me emails until Monday, they are not read."
    assert classify(mail(away, **REPLIED)).kind is Kind.AUTO_REPLY
    assert classify(mail("I am on leave. Please do not email me again.", **REPLIED)).kind is Kind.AUTO_REPLY


@pytest.mark.parametrize(
    ("subject", "text", "wish"),
    [
        ("Out of office next week, so quickly: no", "No.", Intent.NO),
        ("Abwesend ab Montag, daher heute noch", "Ja, den Link nehmen wir auf.", Intent.INTERESTED),
        ("Fuera de la oficina desde mañana", "No, gracias.", Intent.NO),
        ("On holiday homes - your mail", "Nice page.", None),
        ("Auto: parts page link", "It looks fine.", None),
        ("Out of office templates for your list", "Would these fit your page, too?", Intent.QUESTION),
        ("Abwesenheitsnotiz-Vorlagen", "Nein, danke.", Intent.NO),
        ("Réponse automatique : nos modèles", "Non merci.", Intent.NO),
    ],
)
def test_a_subject_alone_makes_no_machine_of_an_answer(subject: str, text: str, wish: Intent | None) -> None:
    found = classify(mail(text, subject=subject))
    assert (found.kind, found.intent) == (Kind.REPLY, wish), found.rule


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Abwesenheit", "Bin ab 3.12. wieder da. In dringenden Fällen: Tom."),
        ("Out of office", "Back on Monday! Unfortunately I can't check mail."),
        ("On holiday", "I am on holiday until Monday."),
        ("Out of office: your page on link audits", "Back on Monday."),
        ("Out of office: your page on link audits", "I am on annual leave."),
        ("В отпуске", "Я в отпуске до понедельника"),
    ],
)
def test_an_absence_note_needs_no_header(subject: str, text: str) -> None:
    assert classify(mail(text, subject=subject)).rule == SUBJECT


@pytest.mark.parametrize("header", [{"return_path": "<>"}, {"precedence": "bulk"}])
def test_who_is_away_may_answer_all_the_same(header: dict[str, str]) -> None:
    def kind(text: str) -> Kind:
        return classify(mail(text, **THREAD, **header)).kind

    assert kind("Not interested, take me off. I'm out of the office anyway.") is Kind.OPT_OUT
    assert kind("Bin im Urlaub. Und bitte nehmen Sie mich aus dem Verteiler.") is Kind.OPT_OUT
    assert kind("On vacation until Monday, but the answer is no.") is Kind.REPLY
    assert kind("Je suis en congé jusqu'à lundi, mais la réponse est non.") is Kind.REPLY
    assert kind("On vacation until Monday, but we never link to shops.") is Kind.REPLY
    assert kind("I am on vacation, please do not send me emails until Monday.") is Kind.AUTO_REPLY
    assert kind("I am on leave, but unfortunately I can't answer before Monday.") is Kind.AUTO_REPLY
    assert kind("Ich bin im Urlaub, aber ab Montag wieder für Sie da.") is Kind.AUTO_REPLY


@pytest.mark.parametrize(
    "text",
    [
        "Not interested in free guest posts; we offer paid placements from $70.",
        "Kein Interesse an kostenlosen Links.",
        "Não temos interesse em parcerias.",
        "Nemáme zájem o výměnu odkazů.",
        "No nos interesa el intercambio de enlaces.",
        "Pas intéressé. Nos liens sont payants : 90 €.",
        "Did you ask Tom to remove my address last year?",
    ],
)
def test_what_is_not_asked_of_us_is_only_perhaps_an_opt_out(text: str) -> None:
    found = classify(mail(text, **THREAD))
    assert (found.kind, found.intent) == (Kind.REPLY, Intent.OPT_OUT), found.rule


@pytest.mark.parametrize(
    "text",
    [
        "Not interested in your offers.",
        "Kein Interesse an Ihren Mails.",
        "Pas intéressé par votre offre.",
        "Could you please remove me from your list?",
        "Will you stop emailing me?",
        "Stop emailing me. Every further mail costs you 100 EUR.",
        "Why do you keep writing? Take me off your list!",
    ],
)
def test_a_wish_stays_sure_as_a_request_and_beside_a_threat(text: str) -> None:
    assert classify(mail(text, **THREAD)).kind is Kind.OPT_OUT
