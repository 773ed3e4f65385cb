"""Answers of people and machines in eighteen languages and eight mail programs: their kind, their wish, and what is new in them."""

from collections import Counter, defaultdict
from datetime import date

import pytest

from app.domain.inbound import Intent, Kind, Verdict, classify
from app.inbox.parse import parse
from tests.mail.letters import Letter, answers, doubts, letters, message

BY_GROUP: dict[str, list[Letter]] = defaultdict(list)
for _letter in letters():
    BY_GROUP[f"{_letter.name.partition('/')[0]}/{_letter.label.partition(':')[0]}"].append(_letter)


def found(verdict: Verdict) -> str:
    if verdict.kind is Kind.AUTO_REPLY:
        return "ticket" if verdict.ticket else "away"
    if verdict.kind is Kind.OTHER:
        return "list"
    return str(verdict.intent or "reply") if verdict.kind is Kind.REPLY else str(verdict.kind)


def test_there_are_enough() -> None:
    counts = Counter(letter.label.partition(":")[0] for group in BY_GROUP.values() for letter in group)
    assert sum(counts.values()) >= 850
    assert len({name.partition("/")[0] for name in BY_GROUP}) >= 18
    assert counts["away"] >= 50
    assert counts["ticket"] >= 20


@pytest.mark.parametrize("group", BY_GROUP)
def test_says_what_it_is(group: str) -> None:
    wrong = []
    for letter in BY_GROUP[group]:
        verdict = classify(parse(letter.raw))
        label, _, day = letter.label.partition(":")
        right = verdict.kind is Kind.REPLY if label == "person" else found(verdict) == label
        back = date.fromisoformat(day) if day not in ("", "-") else None
        if not right or verdict.returns_on != back:
            wrong.append((letter.name, letter.label, found(verdict), verdict.returns_on, verdict.rule))
    assert wrong == []


@pytest.mark.parametrize("group", [name for name in BY_GROUP if not name.startswith("machine/")])
def test_only_what_is_new_is_kept(group: str) -> None:
    got = {letter.name: parse(letter.raw).new_text for letter in BY_GROUP[group]}
    assert got == {letter.name: letter.text for letter in BY_GROUP[group]}


Judged = list[tuple[Letter, Verdict]]


@pytest.fixture(scope="module")
def wishes() -> Judged:
    return [(letter, classify(parse(letter.raw))) for letter in answers("wishes.txt")]


def test_a_friendly_answer_is_never_a_final_opt_out(wishes: Judged) -> None:
    final = [
        (letter.name, found.rule)
        for letter, found in wishes
        if letter.label == "friendly" and found.kind is Kind.OPT_OUT
    ]
    assert final == []


def test_an_opt_out_is_seen_and_mostly_without_a_person(wishes: Judged) -> None:
    meant = [(letter, found) for letter, found in wishes if letter.label == "opt-out"]
    assert len({letter.name.partition("/")[0] for letter, _ in meant}) >= 15
    assert [letter.name for letter, found in meant if found.intent is not Intent.OPT_OUT] == []
    guessed = [letter.name for letter, found in meant if found.kind is not Kind.OPT_OUT]
    assert len(guessed) <= len(meant) // 50, guessed


def test_a_guess_asks_a_person_and_is_a_reply(wishes: Judged) -> None:
    guessed = [found for _, found in wishes if found.intent is Intent.OPT_OUT and found.kind is not Kind.OPT_OUT]
    assert guessed
    assert {found.kind for found in guessed} == {Kind.REPLY}
    assert all(found.rule.startswith("reply:perhaps-opt-out:") for found in guessed)


@pytest.fixture(scope="module")
def judged_doubts() -> Judged:
    return [(letter, classify(parse(letter.raw))) for letter in doubts()]


@pytest.mark.parametrize("language", sorted({letter.name.partition("/")[0] for letter in doubts()}))
def test_what_signs_and_words_disagree_about(language: str, judged_doubts: Judged) -> None:
    wrong = []
    for letter, verdict in judged_doubts:
        label, _, day = letter.label.partition(":")
        guessed = verdict.kind is Kind.REPLY and verdict.intent is Intent.OPT_OUT
        told = "guess" if guessed else found(verdict)
        right = (
            verdict.kind is Kind.REPLY and (label == "answer" or not guessed)
            if label in ("person", "answer")
            else told == label
        )
        back = date.fromisoformat(day) if day not in ("", "-") else None
        if letter.name.startswith(f"{language}/") and (not right or verdict.returns_on != back):
            wrong.append((letter.text, letter.label, told, verdict.returns_on, verdict.rule))
    assert wrong == []


def test_no_answer_of_a_person_is_lost_to_a_machine_or_to_an_opt_out(judged_doubts: Judged) -> None:
    assert len(judged_doubts) >= 250
    assert len({letter.name.partition("/")[0] for letter, _ in judged_doubts}) >= 12
    people = [(letter, verdict) for letter, verdict in judged_doubts if letter.label.partition(":")[0] != "away"]
    assert len(people) >= 130
    assert [letter.text for letter, verdict in people if verdict.kind not in (Kind.REPLY, Kind.OPT_OUT)] == []
    assert [
        letter.text for letter, verdict in people if verdict.kind is Kind.OPT_OUT and letter.label != "opt-out"
    ] == []


FOOTERS = """
    Unsubscribe | Unsubscribe here | If you no longer wish to receive these emails, unsubscribe here. | Not interested? Unsubscribe | Unsubscribe from our list at editor.test/u | Reply STOP to opt out. | To opt out, reply to this mail. |
    Abmelden | Wenn Sie keine weiteren E-Mails erhalten möchten, können Sie sich hier abmelden. | Sie möchten keine E-Mails mehr? Hier abmelden. | Se désabonner | Si vous ne souhaitez plus recevoir nos messages, cliquez ici. |
    Pour ne plus recevoir nos e-mails, désabonnez-vous ici. | Darse de baja | Si no desea recibir más correos, haga clic aquí. | Disiscriviti | Se non desidera più ricevere le nostre email, clicchi qui. | Descadastrar |
    Se não deseja mais receber nossos e-mails, clique aqui. | Afmelden | Als u niet langer e-mails wilt ontvangen, klik hier. | Wypisz się | Jeśli nie chcesz otrzymywać wiadomości, kliknij tutaj. | Avregistrera |
    Vill du inte få fler mejl? Avregistrera dig här. | Afmeld | Ønsker du ikke at modtage flere mails? Afmeld her. | Отписаться | Если вы не хотите получать письма, нажмите здесь. | 配信停止 | 今後メールが不要な方はこちら | 退订 |
    수신거부 | Odhlásit | Pokud si nepřejete dostávat další e-maily, klikněte zde. | Abonelikten çık
"""


@pytest.mark.parametrize("footer", [entry.strip() for entry in FOOTERS.split(" | ")])
def test_a_footer_below_an_answer_is_never_a_final_opt_out(footer: str) -> None:
    text = f"Sam looks after that page, he is in on Thursday.\nAnna\n{footer}"
    for name, value in (("In-Reply-To", "<0190.tok@ours.example>"), ("Return-Path", "<>")):
        assert classify(parse(message({name: value, "Subject": "Re: A page on tides"}, text))).kind is Kind.REPLY
    replied = {"Auto-Submitted": "auto-replied", "In-Reply-To": "<0190.tok@ours.example>", "Subject": "Re: A page"}
    assert classify(parse(message(replied, text))).kind is Kind.AUTO_REPLY
