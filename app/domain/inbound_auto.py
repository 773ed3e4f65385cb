"""Automatic answers: absence notes, responders and ticket acknowledgements, by header first and by subject second.

Text alone never makes an automatic answer: a person also writes "I am out of the office until Monday, but yes".
"""

from __future__ import annotations

import re
from datetime import date

from app.domain.absence import return_date
from app.domain.bounce_text import squeeze
from app.domain.bounce_words import phrases
from app.domain.inbound import InboundMail, Kind, Verdict
from app.domain.mail_tokens import is_answer_subject, sender

# Starts of subjects that only responders write.
_SUBJECT_STARTS = phrases(
    """
    automatic reply | automatic response | automated reply | automated response | auto reply | auto-reply | autoreply |
    auto response | auto-response | autoresponse | autoresponder | auto: | out of office | out of the office |
    out-of-office | ooo: | oof: | [ooo] | away from the office | away from my mail | i am out of the office |
    i'm out of the office | i am on vacation | on vacation | vacation reply | vacation notice | holiday notice |
    on annual leave | on holiday | maternity leave | abwesenheit | automatische antwort | autoantwort | abwesend |
    nicht im büro | außer haus | bin im urlaub | urlaubsnotiz | réponse automatique | reponse automatique |
    absence du bureau | absent du bureau | message d'absence | notification d'absence | absent(e) | absence : |
    respuesta automática | respuesta automatica | fuera de la oficina | ausente de la oficina | mensaje automático |
    risposta automatica | fuori ufficio | assente dall'ufficio | messaggio automatico | assenza dall'ufficio |
    resposta automática | resposta automatica | fora do escritório | ausência do escritório | ausência temporária |
    automatisch antwoord | automatische antwoord | afwezig | niet op kantoor | buiten kantoor |
    automatyczna odpowiedź | odpowiedź automatyczna | autoodpowiedź | poza biurem | nieobecność | nieobecny |
    autosvar | automatiskt svar | frånvaro | frånvarande | automatisk svar | ikke til stede | ude af kontoret |
    fraværsmelding | fraværende | fravær: | automaattinen vastaus | poissa toimistosta | lomalla | poissaolo |
    automatická odpověď | mimo kancelář | automatikus válasz | házon kívül | răspuns automat | în afara biroului |
    автоответ | автоматический ответ | в отпуске | отсутствую | нет на месте | автоматична відповідь |
    αυτόματη απάντηση | εκτός γραφείου | otomatik yanıt | otomatik cevap | ofis dışında | מענה אוטומטי |
    自動応答 | 自動返信 | 不在通知 | 不在のお知らせ | 不在連絡 | 休暇のお知らせ | 自动回复 | 自動回覆 | 自动答复 | 外出通知 |
    자동 회신 | 자동 응답 | 부재중 | رد تلقائي | trả lời tự động | balasan otomatis | ตอบกลับอัตโนมัติ
    """
)

# What absence notes say in their first lines; only counted beside a weak header.
_BODY = phrases(
    """
    out of the office | out of office | out-of-office | on vacation | on holiday | on leave | annual leave | away from |
    maternity leave | parental leave | limited access to email | limited access to my email | automatic reply |
    automated response | auto-reply | autoreply | automated reply | automatic response | automatically generated |
    nicht im büro | nicht im haus | abwesend | im urlaub | außer haus | automatische antwort | bin ich wieder |
    absent | en congé | en vacances | réponse automatique | fuera de la oficina | de vacaciones | respuesta automática |
    fuori ufficio | in ferie | assente | risposta automatica | fora do escritório | de férias | resposta automática |
    niet op kantoor | afwezig | met vakantie | op vakantie | automatisch | poza biurem | na urlopie | nieobecn |
    på semester | inte på kontoret | tjänstledig | på ferie | ikke på kontoret | autosvar | lomalla | poissa |
    dovolen | mimo kancelář | szabadság | в отпуске | отсутству | автоматическ | не в офисе | 不在 | 休暇 | 自動 | 外出 |
    休假 | 自动回复 | 부재 | 휴가 | izinde | tatilde | ofis dışında
    """
)

_RESPONDER_HEADERS = (
    "x-autoreply",
    "x-autorespond",
    "x-autoresponder",
    "x-autoreply-from",
    "x-mail-autoreply",
    "x-vacation",
    "x-auto-reply",
    "x-gm-autoreply",
    "x-amazon-auto-reply",
    "x-ms-exchange-generated-message-source",
)
_RESPONDER_AGENTS = phrases(
    "vacation | autoresponder | auto-responder | autoreply | auto-reply | responder | gnarwl | sieve | out of office"
)
_BULK = frozenset(("bulk", "junk", "list"))

_TICKET_SUBJECT = re.compile(
    r"\[[^\]]{0,40}#\s{0,2}[A-Za-z0-9-]{1,30}\]|\((?:case|ticket|request)[^)]{0,30}\d\)|(?:ticket|case|request|anfrage|vorgang|dossier|demande|caso|solicitud|richiesta|ärende|sag)"
    r"(?: (?:id|number|no\.?|nr\.?|n[°º]))?\s{0,2}(?:[:#]\s{0,2}[A-Za-z-]{0,6}\d|\d{3})|(?:^|\s|\[)[A-Z]{2,6}-\d{1,7}\b|##[A-Za-z0-9-]{1,20}##",
    re.IGNORECASE,
)
_ACK = phrases(
    """
    has been received | have been received | we have received your | we've received your | we received your |
    received your request | received your email | received your message | received your inquiry | received your enquiry |
    thank you for contacting | thanks for contacting | thank you for your enquiry | thank you for your inquiry |
    thanks for reaching out | thank you for reaching out | a ticket has been created | ticket has been opened |
    ticket has been created | ticket number | case number | case has been created | reference number |
    request has been created | request for support has been created | assigned ticket | support request | will get back to you | will respond within | will reply within |
    get back to you within | being reviewed by our | reviewed by our support |
    ihre anfrage ist | ihre anfrage wurde | wir haben ihre | vielen dank für ihre anfrage | ticketnummer |
    vorgangsnummer | nous avons bien reçu | votre demande a | hemos recibido su | hemos recibido tu | su solicitud |
    abbiamo ricevuto | la tua richiesta | la sua richiesta | recebemos sua | recebemos o seu | sua solicitação |
    we hebben uw | uw bericht is ontvangen | hebben je bericht | otrzymaliśmy | twoje zgłoszenie | vi har mottagit |
    vi har modtaget | vi har mottatt | ditt ärende | ваше обращение | ваша заявка | мы получили | お問い合わせ |
    受け付けました | 受付いたしました | 已收到您的 | 접수되었습니다
    """
)
_HELPDESK = (
    "x-zendesk-from-account-id",
    "x-zendesk-priority-mail",
    "x-freshdesk-ticket-id",
    "x-helpscout-conversation-id",
    "x-otrs-loop",
    "x-hubspot-ticket-id",
    "x-rt-ticket",
    "rt-ticket",
    "x-front-conversation",
    "x-intercom-conversation",
    "x-kayako-ticket",
    "x-jira-fingerprint",
    "x-osticket-ticket",
    "x-gorgias-ticket-id",
    "x-desk-ticket",
    "x-groove-ticket",
)
_HELPDESK_TEXT = (
    "type your reply above this line",
    "reply above this line",
    "antworten sie oberhalb dieser",
    "répondre au-dessus de cette ligne",
)


def automatic(mail: InboundMail) -> Verdict | None:
    """A verdict for answers and notices that no person wrote, else None."""
    if "message/disposition-notification" in mail.part_types and mail.report_type == "disposition-notification":
        return Verdict(Kind.AUTO_REPLY, "auto-reply:read-receipt")
    rule = _responder(mail)
    if rule == "auto-generated" and _is_list_mail(mail):
        return Verdict(Kind.OTHER, "list-mail")
    ticket = _ticket(mail, rule)
    if ticket is not None:
        return Verdict(Kind.AUTO_REPLY, ticket, returns_on=None, ticket=True)
    if rule is not None and not _person_through_helpdesk(mail, rule):
        return Verdict(Kind.AUTO_REPLY, f"auto-reply:{rule}", returns_on=_returns(mail))
    if _is_list_mail(mail):
        return Verdict(Kind.OTHER, "list-mail")
    name, address = sender(mail.header("from"))
    if address is None and not name and not mail.new_text.strip() and not mail.header("subject").strip():
        return Verdict(Kind.OTHER, "empty")
    return None


def _responder(mail: InboundMail) -> str | None:
    """The name of the header or subject that gives a responder away, or None."""
    auto = mail.header("auto-submitted").split(";")[0].split("(")[0].strip().casefold()
    if auto and auto not in ("no", "auto-forwarded"):
        return "auto-submitted" if auto != "auto-generated" else "auto-generated"
    for name in _RESPONDER_HEADERS:
        if mail.has(name) and mail.header(name).strip().casefold() not in (
            "no",
            "false",
            "0",
            "mailbox rules agent forward",
        ):
            return name
    if mail.header("precedence").strip().casefold() in ("auto_reply", "auto-reply") or (
        mail.header("x-precedence").strip().casefold() in ("auto_reply", "auto-reply", "bulk", "junk")
    ):
        return "precedence"
    subject = squeeze(mail.header("subject"))[:300]
    bare = subject
    for prefix in ("re: ", "aw: ", "sv: ", "r: ", "antw: ", "odp: "):
        bare = bare.removeprefix(prefix)
    # Some responders put their mark into brackets.
    if (bare.startswith(_SUBJECT_STARTS) or bare.lstrip("[(*-").startswith(_SUBJECT_STARTS)) and not bare.endswith(
        ("?", "？")
    ):
        # "Re: Out of office" by a person answers our own subject only when the words are ours; without the prefix they are not.
        if bare == subject or _weak(mail) is not None:
            return "subject"
        return None
    agent = squeeze(mail.header("x-mailer") + " " + mail.header("user-agent"))
    if any(entry in agent for entry in _RESPONDER_AGENTS):
        return "x-mailer"
    weak = _weak(mail)
    if _is_null_path(mail) and mail.header("precedence").strip().casefold() in _BULK:
        return "null-return-path+precedence"
    if weak is not None and any(entry in squeeze(mail.new_text[:1200]) for entry in _BODY):
        # People's mail carries some of these headers, and a person who is away may answer all the same; a null return
        # path and the precedence of old responders are a machine's even under "Re:".
        machine = weak == "null-return-path" or mail.header("precedence").strip().casefold() in ("bulk", "junk")
        if machine or not is_answer_subject(mail.header("subject")):
            return f"{weak}+text"
    return None


def _weak(mail: InboundMail) -> str | None:
    """A header that responders carry and people's mail may carry too; it needs a second sign."""
    if mail.has("x-auto-response-suppress"):
        return "x-auto-response-suppress"
    if mail.header("precedence").strip().casefold() in _BULK:
        return "precedence"
    if _is_null_path(mail):
        return "null-return-path"
    if mail.has("x-loop") or mail.has("x-autogenerated") or mail.has("feedback-id"):
        return "loop-header"
    return None


def _is_null_path(mail: InboundMail) -> bool:
    return any(path.strip() == "<>" for path in mail.headers.get("return-path", ()))


def _ticket(mail: InboundMail, rule: str | None) -> str | None:
    """The rule that makes a message the acknowledgement of a help desk. It needs a sign of a machine and words of receipt."""
    said = squeeze(mail.new_text[:2000])
    subject = mail.header("subject")[:400]
    acknowledges = any(entry in said for entry in _ACK) or any(entry in squeeze(subject) for entry in _ACK)
    if not acknowledges:
        return None
    helpdesk = any(mail.has(name) for name in _HELPDESK) or any(
        entry in squeeze(mail.text[:2000]) for entry in _HELPDESK_TEXT
    )
    numbered = _TICKET_SUBJECT.search(subject) is not None
    machine = rule is not None or _weak(mail) is not None
    if machine and (numbered or helpdesk or rule == "auto-generated"):
        return "ticket-acknowledgement"
    return None


def _person_through_helpdesk(mail: InboundMail, rule: str) -> bool:
    """A help desk marks even its agents' answers as generated; without words of receipt such a mail may be a person's."""
    if rule != "auto-generated" or not mail.new_text.strip():
        return False
    desk = any(mail.has(name) for name in _HELPDESK) or any(
        entry in squeeze(mail.text[:2000]) for entry in _HELPDESK_TEXT
    )
    return desk and (mail.has("in-reply-to") or mail.has("references"))


def _is_list_mail(mail: InboundMail) -> bool:
    """A newsletter or list: list headers, and nothing that ties it to a conversation (a group's member may answer us)."""
    listed = mail.has("list-id") or mail.has("list-unsubscribe") or mail.has("list-post")
    threaded = mail.has("in-reply-to") or mail.has("references")
    return listed and not threaded


def _returns(mail: InboundMail) -> date | None:
    if mail.date is None:
        return None
    return return_date(f"{mail.header('subject')}\n{mail.new_text[:4000] or mail.text[:4000]}", mail.date.date())
