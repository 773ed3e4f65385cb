"""What an answer wants where the first phrase in it is not the one that counts."""

import pytest

from app.domain.bounce_class import class_of
from app.domain.inbound import BounceClass, Intent, Kind, classify
from app.domain.inbound_auto import CHALLENGE
from app.domain.inbound_intent import intent
from app.domain.mail_tokens import clean_address
from tests.domain.test_inbound import mail

PAID, LATER, NO, YES, ASKS = (
    Intent.WANTS_PAYMENT,
    Intent.NOT_NOW,
    Intent.NO,
    Intent.INTERESTED,
    Intent.QUESTION,
)
WISHES = {
    PAID: """
        Gerne, aber nicht kostenlos. | Klar, aber umsonst machen wir das nicht. | Bien sûr, mais ce n'est pas tout à fait gratuit. | Sí, pero no es gratis. | Volentieri, ma non gratuitamente. |
        Graag, maar niet gratis. | Tak, ale nie za darmo. | Gärna, men inte helt gratis. | Rádi, ale ne zdarma. | Конечно, но не бесплатно. | Good idea, but it isn't free. | Yes but links are not free on our site. |
        Yes, for a fee. | Klingt gut, unsere Konditionen finden Sie anbei. | Of course! See gardenpages.test/advertise for more. | Facciamo solo collaborazioni a titolo oneroso. | Размещаем на коммерческой основе. | Was zahlen Sie für den Link? | Combien payez-vous pour ce lien ? |
        Great, I can add it for 80 via Wise. | Sounds good. 1.2k for a package of ten. | С удовольствием, 5 т.р.
    """,
    LATER: """
        Gerade keine Zeit, melde mich im April. |
        Can we talk about this after summer? | Not this quarter, our calendar is full. | Try again in Q2. | Maybe once the redesign is done. | Vielleicht nach der Sommerpause. | Das Thema steht erst im Frühjahr wieder an. |
        Rappelez-moi après les fêtes. | Llámame después de las vacaciones. | Riscrivetemi dopo le ferie. | Me chama em fevereiro. | Kom er in het nieuwe jaar op terug. | Proszę odezwać się po wakacjach. |
        Återkom gärna efter nyår. | Ozvěte se prosím po prázdninách. | Давайте после праздников. | I'd love to, but not before January. | Sounds good, but not yet.
    """,
    NO: """
        Pass. | I don't do link exchanges. | Nous ne souhaitons pas donner suite. | Det er ikke noget for os. |
        Sounds good, but no. | I'd love to, but our policy does not allow it. | Would love to help, though we never change published posts. | Gute Sache, aber für uns nicht. | Buena idea, pero no. |
        Super idée, mais notre politique ne le permet pas. | Leuk idee, maar niet voor ons. | Thanks for letting me know. I removed the link. | Danke für den Hinweis, den toten Link habe ich gelöscht. |
        Merci pour l'information, j'ai supprimé le lien. | Grazie per la segnalazione, ho tolto il link. | Dank je, ik heb de link verwijderd. | Спасибо, ссылку удалил. | リンクは削除しました。 |
        We are content with what we have, thanks. | Our legal team does not allow outbound links. | Wir verlinken grundsätzlich keine Shops. | Ce n'est pas dans notre ligne éditoriale. |
        Мы не планируем менять статью. | We replaced it with another source already. | I'd keep the page as is. | Nope, sorry. | Nah, we're good. | Ne | Hayır | 結構です。
    """,
    YES: """
        Schicken Sie mir bitte den Link. | Ci sta, mandami il link. | Inserito! Grazie | Manda o link que eu coloco. | Det är fixat nu, tack. | Der Link wurde entfernt, weil die Seite tot war. Gern setze ich den neuen. |
        We normally don't take suggestions, but this one is great, so it's in. | Unfortunately I didn't see this earlier - but yes, please send me the text. |
        Eigentlich nehmen wir keine Links auf, aber Ihren bauen wir ein. | Passt, bauen wir nächste Woche ein. | We will add it next month. | On l'ajoute le mois prochain. | Sounds great, but no rush on your side. |
        I'd love to, but I can't find it. | D'accord, je change ma page, pas de problème. | I removed the dead one and added yours. | Den alten Link habe ich entfernt und Ihren eingefügt. | Happy to add it for free. |
        Your guide is live on our page now. | Ist drin, viele Grüße | C'est mis à jour, merci ! | Ho già corretto, grazie. | Zmieniłam odnośnik, dziękuję | Er länk är uppdaterad nu. |
        It does not allow comments, but I added it anyway. | Gerne, natürlich kostenlos. | Klar! | Vale | Jasne | Beleza | Tamam | Хорошо | 了解しました | ok thanks | Done. Cheers!
    """,
    ASKS: "I'm not free this week, which page is it? | Thanks for letting me know. Which link should be removed? | We have a page about GDPR, do you mean that? | Can you tell me which page you mean",
}


@pytest.mark.parametrize(
    ("text", "wish"), [(" ".join(text.split()), wish) for wish, table in WISHES.items() for text in table.split(" | ")]
)
def test_the_wish_is_what_they_mean(text: str, wish: Intent) -> None:
    assert intent(text)[0] is wish


def test_thanks_say_nothing_alone_and_a_greeting_nothing_at_all() -> None:
    assert intent("Danke für den Hinweis!")[0] is None
    assert intent("Thanks for letting me know!")[0] is None
    assert intent("Unfortunately we can't, but happy to stay in touch.")[0] is NO
    assert intent("Hallo Ana,\nmach ich.\nTom")[0] is YES
    assert intent("Hi Ana,\nno, thanks to you though")[0] is NO


@pytest.mark.parametrize("text", ["Fuck off.", "Ich habe das als Spam gemeldet.", "My lawyer will be in touch."])
def test_an_angry_tone_is_perhaps_an_opt_out(text: str) -> None:
    found = classify(mail(text, subject="Re: x"))
    assert (found.kind, found.intent) == (Kind.REPLY, Intent.OPT_OUT)


OFFICE = {"from": "Editor <info@editor.test>"}
SILENT = {"from": "Editor <no-reply@editor.test>", "return_path": "<>"}


def test_a_machine_that_only_its_words_give_away() -> None:
    told = "This is an automated message. We got your mail and will reply soon."
    assert classify(mail(told, subject="Thanks!", **OFFICE)).kind is Kind.AUTO_REPLY
    assert classify(mail(told, subject="Thanks!")).kind is Kind.REPLY
    answer = "This is an automated inbox, but I read it: we added your link."
    assert classify(mail(answer, subject="Re: x", **OFFICE)).intent is YES
    rates = "Thank you for contacting us. Prices and sponsored posts: editor.test/prices"
    assert classify(mail(rates, subject="Thank you", **SILENT)).kind is Kind.AUTO_REPLY
    person = mail(
        "Thanks for reaching out. We don't add links.", subject="Re: x", in_reply_to="<a@b>", return_path="<>"
    )
    assert classify(person).intent is NO
    asked = "Your message is kept back. Click here to verify that you are human."
    assert classify(mail(asked, subject="Your message", precedence="bulk")).rule == CHALLENGE
    assert classify(mail(asked, subject="Re: x", in_reply_to="<a@b>", precedence="bulk")).kind is Kind.REPLY
    desk = mail(
        "Just confirming that we got your request. We're on it.",
        subject="GP-1021 Your checklist",
        x_jira_fingerprint="a",
        precedence="bulk",
        in_reply_to="<a@b>",
    )
    assert classify(desk).ticket


def test_refusals_and_delays_that_had_no_words() -> None:
    assert class_of("5.5.0", 550, "message contained unsafe content (urlbl) in body") is BounceClass.POLICY
    gateway = classify(
        mail(
            "The message you sent to ben@editor.test was blocked by our mail security gateway.",
            subject="Your message has been blocked",
            auto_submitted="auto-generated",
        )
    )
    assert gateway.bounce is not None
    assert gateway.bounce.worst is not None
    assert gateway.bounce.worst.bounce_class is BounceClass.POLICY
    delayed = classify(
        mail(
            "Ihre Nachricht an ben@editor.test konnte noch nicht zugestellt werden.\n451 4.7.1 later",
            subject="Zustellung",
            **{"from": "Mailer-Daemon@mx.test", "return_path": "<>"},
        )
    )
    assert delayed.bounce is not None
    assert delayed.bounce.failures[0].action == "delayed"
    assert clean_address("**ben@editor.test**") == "ben@editor.test"


@pytest.mark.parametrize(
    "text",
    [
        "Favor não enviar mais e-mails.",
        "Quero sair da lista.",
        "Proszę o niekontaktowanie się ze mną.",
        "Proszę mnie usunąć z listy.",
        "Przestańcie pisać.",
        "Stop med at skrive.",
        "Jeg ønsker ikke flere mails.",
        "Keine Werbung bitte!",
        "Non mi scrivete più.",
        "Please delete all data you hold about me.",
        "Please cease and desist from contacting us.",
        "Please remove my name from your list.",
    ],
)
def test_a_plain_wish_to_be_left_alone_is_final(text: str) -> None:
    assert classify(mail(text)).kind is Kind.OPT_OUT


@pytest.mark.parametrize(
    "text", ["Please remove my name from your page.", "Please take our address from your article."]
)
def test_what_is_to_go_from_a_page_of_ours_is_for_a_person(text: str) -> None:
    found = classify(mail(text))
    assert (found.kind, found.intent) == (Kind.REPLY, Intent.OPT_OUT)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Please note that I no longer work on Fridays.", False),
        ("I have moved to part time. I no longer work on Mondays.", False),
        ("I no longer work on this blog.", True),
        ("I no longer work here.", True),
    ],
)
def test_who_works_part_time_is_still_there(text: str, left: bool) -> None:
    found = classify(mail(text, auto_submitted="auto-replied"))
    assert (found.kind, found.rule == "auto-reply:left") == (Kind.AUTO_REPLY, left)
