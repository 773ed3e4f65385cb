"""Answers of people and machines with what they are, wrapped the way mail programs wrap them in each language."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

HERE = Path(__file__).parent
BOB = "Bob <bob@ours.example>"
OURS = ("Hello Anna,", "", "your page on tides links to a page that is gone.", "Would you like a better price list for it?", "Unsubscribe: https://ours.example/u/x")  # fmt: skip

ATTRIBUTION = {
    "en": f"On Mon, Nov 23, 2026 at 9:00 AM {BOB} wrote:",
    "de": f"Am Mo., 23. Nov. 2026 um 09:00 Uhr schrieb {BOB}:",
    "fr": f"Le lun. 23 nov. 2026 à 09:00, {BOB} a écrit :",
    "es": "El lun, 23 nov 2026 a las 9:00, Bob (<bob@ours.example>) escribió:",
    "pt": f"Em seg., 23 de nov. de 2026 às 09:00, {BOB} escreveu:",
    "it": f"Il giorno lun 23 nov 2026 alle ore 09:00 {BOB} ha scritto:",
    "nl": f"Op ma 23 nov 2026 om 09:00 schreef {BOB}:",
    "sv": f"Den mån 23 nov. 2026 kl 09:00 skrev {BOB}:",
    "da": f"Den man. 23. nov. 2026 kl. 09.00 skrev {BOB}:",
    "no": f"man. 23. nov. 2026 kl. 09:00 skrev {BOB}:",
    "ja": f"2026年11月23日(月) 9:00 {BOB}:",
    "ru": f"пн, 23 нояб. 2026 г. в 09:00, {BOB}:",
    "zh": f"{BOB} 于2026年11月23日周一 09:00写道：",
    "pl": f"pon., 23 lis 2026 o 09:00 {BOB} napisał(a):",
    "cs": f"po 23. 11. 2026 v 9:00 odesílatel {BOB} napsal:",
    "fi": "ma 23.11.2026 klo 9.00 Bob (bob@ours.example) kirjoitti:",
    "tr": f"{BOB}, 23 Kas 2026 Pzt, 09:00 tarihinde şunu yazdı:",
    "ko": f"2026년 11월 23일 (월) 오전 9:00, {BOB}님이 작성:",
}
LABELS = {
    "en": "From Sent To Subject", "de": "Von Gesendet An Betreff", "fr": "De Envoyé À Objet", "es": "De Enviado Para Asunto",
    "pt": "De Enviada Para Assunto", "it": "Da Inviato A Oggetto", "nl": "Van Verzonden Aan Onderwerp", "sv": "Från Skickat Till Ämne",
    "da": "Fra Sendt Til Emne", "no": "Fra Sendt Til Emne", "ja": "差出人 送信日時 宛先 件名", "ru": "От Отправлено Кому Тема",
    "zh": "发件人 发送时间 收件人 主题", "pl": "Od Wysłano Do Temat", "cs": "Od Odesláno Komu Předmět", "fi": "Lähettäjä Lähetetty Vastaanottaja Aihe",
    "tr": "Kimden Gönderildi Kime Konu", "ko": "보낸사람 날짜 받는사람 제목",
}  # fmt: skip
CLOSING = {
    "en": "Best regards,", "de": "Viele Grüße", "fr": "Cordialement,", "es": "Un saludo,", "pt": "Atenciosamente,", "it": "Cordiali saluti",
    "nl": "Met vriendelijke groet,", "sv": "Med vänliga hälsningar", "da": "Venlig hilsen", "no": "Vennlig hilsen", "ja": "よろしくお願いいたします。",
    "ru": "С уважением,", "zh": "此致", "pl": "Pozdrawiam,", "cs": "S pozdravem", "fi": "Ystävällisin terveisin", "tr": "Saygılarımla", "ko": "감사합니다.",
}  # fmt: skip
MOBILE = {
    "en": "Sent from my iPhone", "de": "Von meinem iPhone gesendet", "fr": "Envoyé de mon iPhone", "es": "Enviado desde mi iPhone",
    "pt": "Enviado do meu iPhone", "it": "Inviato da iPhone", "nl": "Verstuurd vanaf mijn iPhone", "sv": "Skickat från min iPhone",
    "da": "Sendt fra min iPhone", "no": "Sendt fra min iPhone", "ja": "iPhoneから送信", "ru": "Отправлено с iPhone", "zh": "发自我的 iPhone",
    "pl": "Wysłane z iPhone'a", "cs": "Odesláno z iPhonu", "fi": "Lähetetty iPhonesta", "tr": "iPhone'umdan gönderildi", "ko": "나의 iPhone에서 보냄",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Letter:
    """One message, its label (an intent, `reply`, `away:DATE`, `ticket`, `list`, `person`), and what its writer added."""

    name: str
    raw: bytes
    label: str
    text: str | None


def quoted() -> list[str]:
    return [f"> {line}".rstrip() for line in OURS]


def gmail(text: str, language: str) -> tuple[str, bool]:
    """Text with the line above the quote wrapped before the address, as Gmail's text part has it."""
    line = ATTRIBUTION[language]
    cut = line.find("<")
    wrapped = [line[:cut].rstrip(), line[cut:]] if cut > 0 and len(line) > 60 else [line]
    return "\n".join([text, "", *wrapped, "", *quoted()]), False


def gmail_html(text: str, language: str) -> tuple[str, bool]:
    rows = "<br>".join(html.escape(line) for line in OURS)
    return (
        f'<div dir="ltr">{_html(text)}</div><br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">'
        f'{html.escape(ATTRIBUTION[language])}<br></div><blockquote class="gmail_quote">{rows}</blockquote></div>'
    ), True


def outlook(text: str, language: str) -> tuple[str, bool]:
    """The desktop program: a closing, then a header block without any mark on the old text."""
    names = LABELS[language].split()
    values = (
        "Bob <bob@ours.example>",
        "Monday, 23 November 2026 09:00",
        "Anna Lind <anna@editor.test>",
        "A page on tides",
    )
    block = [f"{name}: {value}" for name, value in zip(names, values, strict=True)]
    return "\n".join([text, "", CLOSING[language], "Anna Lind", "", *block, "", *OURS]), False


def outlook_web(text: str, language: str) -> tuple[str, bool]:
    names = LABELS[language].split()
    block = "<br>".join(f"<b>{name}:</b> x" for name in names)
    return (
        f'<html><body><div>{_html(text)}</div><div id="appendonsend"></div><hr><div id="divRplyFwdMsg">{block}</div>'
        f"<div>{'<br>'.join(OURS)}</div></body></html>"
    ), True


def apple(text: str, language: str) -> tuple[str, bool]:
    return "\n".join([text, "", MOBILE[language], "", f"> {ATTRIBUTION[language]}", ">", *quoted()]), False


def thunderbird(text: str, language: str) -> tuple[str, bool]:
    """The answer below the quote, a signature below it."""
    return "\n".join(
        [ATTRIBUTION[language], *quoted(), "", text, "", "-- ", "Anna Lind", "Editor", "+44 20 7946 0000"]
    ), False


def proton(text: str, language: str) -> tuple[str, bool]:
    return "\n".join([text, "", "-------- Original Message --------", ATTRIBUTION[language], "", *OURS]), False


def yahoo_html(text: str, language: str) -> tuple[str, bool]:
    rows = "".join(f"<div>{html.escape(line)}</div>" for line in OURS)
    return (
        f'<div>{_html(text)}</div><div class="yahoo_quoted"><div>{html.escape(ATTRIBUTION[language])}</div>{rows}</div>',
        True,
    )


CLIENTS: tuple[Callable[[str, str], tuple[str, bool]], ...] = (
    gmail, gmail_html, outlook, outlook_web, apple, thunderbird, proton, yahoo_html,
)  # fmt: skip


def _html(text: str) -> str:
    return "<br>".join(html.escape(line) for line in text.split("\n"))


def letters() -> Iterator[Letter]:
    """All letters, in a fixed order: each answer through three programs, each message of a machine once."""
    yield from answers("answers.txt")
    for number, line in enumerate(_lines("machines.txt")):
        label, headers, subject, text = (part.strip() for part in line.split(" | ", 3))
        fields = dict(part.split(": ", 1) for part in headers.split("; ") if part != "-")
        raw = message(
            {"Subject": subject, **fields}, text.replace("/", "\n") if label == "ticket" else text, rich=False
        )
        yield Letter(f"machine/{number:03}", raw, label, None)


def doubts() -> Iterator[Letter]:
    """Messages whose headers, subjects and words speak for different things, each once and as it is written."""
    for number, line in enumerate(_lines("doubts.txt")):
        language, label, headers, subject, text = (part.strip() for part in line.split(" | ", 4))
        fields = dict(part.split(": ", 1) for part in headers.split("; ") if part != "-")
        raw = message({"Subject": subject, **fields}, text.replace(" // ", "\n"), rich=False)
        yield Letter(f"{language}/{number:03}", raw, label, text)


def answers(file: str) -> Iterator[Letter]:
    """The answers of one file, each through three programs."""
    for number, line in enumerate(_lines(file)):
        language, label, text = (part.strip() for part in line.split("|", 2))
        for client in (CLIENTS[(number + step) % len(CLIENTS)] for step in (0, 3, 6)):
            body, rich = client(text, language)
            fields = {"Subject": "Re: A page on tides", "In-Reply-To": "<0190.tok@ours.example>"}
            yield Letter(f"{language}/{number:03}/{client.__name__}", message(fields, body, rich=rich), label, text)


def _lines(file: str) -> list[str]:
    return [line for line in (HERE / file).read_text().splitlines() if line.strip() and not line.startswith("#")]


def message(fields: dict[str, str], body: str, *, rich: bool = False) -> bytes:
    """One message from Anna to Bob, as bytes, with these headers."""
    made = EmailMessage()
    made["From"] = "Anna Lind <anna@editor.test>"
    made["To"] = "bob@ours.example"
    made["Date"] = "Mon, 23 Nov 2026 10:00:00 +0000"
    for name, value in fields.items():
        made[name] = value
    made.set_content(body, subtype="html" if rich else "plain")
    return made.as_bytes()
