"""The wish to be left alone, in the first five lines that the writer added: sure where the words allow no other reading.

What a machine takes for sure suppresses an address, and a friendly answer must never do that. So a sure phrase needs its
words whole, in order and near each other, and a text without a sign of interest; everything else that sounds like the wish is a
guess, which is a reply: nothing more is sent, and a person decides.
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import product

from app.domain import intent_words, opt_out_words
from app.domain.inbound import InboundMail, Intent, Kind, Verdict
from app.domain.inbound_intent import bare, first_line, folded, intent, pair, stands_in

LINES_READ = 5
# Other words between two of a sure phrase, and between the first and the last stem of a guess.
_GAP = 2
# Whoever goes on for longer after a sure phrase ("do not send me the old version, the new one ...") may speak of something else,
# and so may a long letter.
_REST = 6
_REST_WIDE = 14
_LONG = 60
_SPREAD = 12
# A footer's link has no more words.
_LINK = 2
# In the scripts without spaces, characters.
_GAP_WIDE = 12
# Below this, a stem is a word of its own: "me" is no "mention".
_SHORT = 3
_MOST_PLACES = 4
_WIDE = 0x2E7F

_FOOTER = (
    "http://",
    "https://",
    "click",
    "klick",
    "cliqu",
    "clic ",
    "link",
    "www.",
    "haga clic",
    "manage your",
    "preferences",
)
# A footer's "click here to unsubscribe" is not a wish; beside a link, these words are no sign of one.
_SUBSCRIBED = (
    "unsub",
    "opt",
    "abmeld",
    "austrag",
    "désabon",
    "desabon",
    "désinscri",
    "desinscri",
    "baja",
    "desuscri",
    "disiscri",
    "descadastr",
    "afmeld",
    "uitschrijv",
    "wypis",
    "avregistr",
    "отпис",
    "退订",
    "取消订阅",
    "配信停止",
    "配信を停止",
    "メールを停止",
    "수신거부",
    "수신 거부",
    "odhlás",
    "abonelik",
    "leiratkoz",
    "dezabon",
)
# A footer shows where, and that it can be done at any time.
_SHOWN = re.compile(
    r"\b(?:here|reply|answer|hier|antwort\w{1,3}|ici|répon\w{1,4}|respon\w{1,4}|rispon\w{1,4}|odpowie\w{1,4}|aquí|aqui|qui|tutaj|här|her|zde|tady|здесь|тут|burada|buradan|tästä|täältä|at any time|jederzeit|à tout moment|en cualquier momento|in qualsiasi momento|a qualquer momento|"
    r"te allen tijde|w każdej chwili|när som helst|når som helst|в любой момент|kdykoli)\b|こちら|此处|这里|여기|\w\.[a-z]{2,10}/"
)
# "Please do not unsubscribe me", "I did not opt out".
_NEGATED = (
    "don't stop",
    "do not stop",
    "unsubscribe page",
    "unsubscribe link",
    "unsubscribe button",
    "unsubscribe option",
    "don't want to unsubscribe",
    "do not want to unsubscribe",
    "don't unsubscribe",
    "do not unsubscribe",
    "don't remove me",
    "do not remove me",
    "don't opt me out",
    "not unsubscribe",
    "didn't unsubscribe",
    "did not unsubscribe",
    "never unsubscribe",
    "never mind",
    "don't hesitate",
    "do not hesitate",
    "hésitez pas",
    "no dude",
    "non esit",
    "não hesite",
    "zögern sie nicht",
)
_SUBJECTS = frozenset(
    ("unsubscribe", "opt out", "opt-out", "remove", "remove me", "abmelden", "désinscription", "baja")
)
# What a mail program or a provider sends when a person presses its button.
LIST_UNSUBSCRIBE = "opt-out:list-unsubscribe"
_ACTS = frozenset((LIST_UNSUBSCRIBE, "opt-out:feedback-report"))
_MAILTO_SUBJECT = re.compile(r"^\s*unsubscribe-[a-z2-7]{24}\s*$", re.IGNORECASE)
_ENDS = re.compile(r"(?<=[.!?;:])\s|(?<=[。！；？])")
# "No interest in free posts" is about the posts, and "no interest in your mails" about us.
_NO_INTEREST = ("interest", "interess", "intéress", "interes", "zájem", "zainteres", "kiinnost", "интерес")
_OBJECT = re.compile(
    r"\s?(?:in|an|en|em|par|por|à|au|aux|dans|a|ad|al|alla|w|i|av|om|på|af|o|v|ve|el|la|los|las|il|lo|gli)\s"
    r"(?!(?:this|that|it|these|any|anything|your|yours|hearing|receiving|being|further|more|ihr|eur|dies|weiter|vos|votre|ce|cette|cela|ça|vous|su|sus|esto|esta|este|tu|vuestr|"
    r"seu|sua|isso|isto|vostr|questo|questa|jullie|uw|dit|deze|u|państw|wasz|twoj|er|ert|era|din|jeres|vaš|váš|to|tom|ваш|это))[^\W\d_]"
)
# "Do not send me more than one paragraph."
_MORE_THAN = re.compile(
    r"\s?(?:than|als|que|de|di|niż|než|än|enn|end|meer dan)\s(?:\d|one|two|ten|einen?|un[aeo]?|deux|dix|dos|diez|due|dieci|uma?|dois|dez|een|twee|jeden|jedno|ett?)\b|\sодного\b"
)
# "No more mails needed, it is done."
_NEEDED = re.compile(
    r"\A\W{0,3}(?:[^\W\d_]{1,12} ){0,3}(?:needed|necessary|required|nötig|notwendig|erforderlich|nodig|noodzakelijk|behövs|nödvändig\w*|nødvendig\w*|nécessaires?|utiles?|necesari\w+|necessári\w+|necessari\w*|potrzebn\w+|konieczn\w+|"
    r"potřeba|nutn\w+|tarvita|нужн\w+|gerekmiyor)\b"
)
# "Do not write to me until Monday."
_BOUND = re.compile(
    r"\A\W{0,3}(?:[^\W\d_]{1,12} ){0,3}(?:until|till(?! (?:mig|oss|min|vår))|before|hasta|antes|bis|vor|jusqu\w*|avant|fino|prima|até|tot|tills|före|indtil|inntil|før|dopóki|aż|dokud)\b(?! (?:further|auf|nu|now|ahora|ora|adesso|agora)\b)"
)
# Who is not to be copied, or called, may well be written to.
_OTHER_WAY = re.compile(
    r"\b(?:b?cc|cc'd|phone|telephone|telefon\w*|téléphone|teléfono|telefono|telefone|telefoon|telefonisch|puhelimitse|телефон\w*|whatsapp|sms|fax|linkedin)\b|電話|电话|전화"
)
_MAIL = re.compile(r"e-?mail|\bmails?\b|mejl|e-post|correo|courriel|メール|邮件|메일|почт|письм")
# Another address, which is to be used from now on.
_USE_OTHER = re.compile(
    r"(?<![a-zß-ÿа-я])(?=[unvgabpн新새])(?:(?<!not )(?<!n't )(?<!to )(?<!never )use|new (?:e-?mail )?address|nutz\w*|verwende\w*|neue (?:e-?mail-?)?adresse|utilis\w*|nouvelle adresse|usen?|utilic\w*|nueva dirección|usate|usi|usa|"
    r"utilizz\w*|nuovo indirizzo|novo endereço|gebruik|nieuwe? (?:e-?mail|mail)?adres|använd|ny (?:e-post|mejl)?adress|brug|bruk|ny (?:e-post|mail)?adresse|uży(?:j|jcie|wajcie)|nowy adres|"
    r"použij\w*|nová adresa|новый адрес|新しいアドレス|新アドレス|新しいメールアドレス|新地址|新邮箱|새 주소)(?![\w.+-]{0,64}@)[^@!?。]{0,40}@"
)
# "I wish to unsubscribe from nothing."
_NOTHING = re.compile(r"(?: from nothing| von nichts| de rien| de nada| da niente| van niets)\b")
# "If this is a sales mail, do not write again" is a wish with a condition; "if you no longer wish to hear from us, ..." is nobody's.
_CONDITION = re.compile(
    r"\b(?:if|in case|unless|wenn|falls|sofern|indien|jeśli|jeżeli|hvis|dersom|mikäli|если|pokud|jestli|eğer|dacă|si(?= (?:vous|tu|usted|ustedes|no|ya|c'est|ce|cela|esto|este|es|desea|deseas|quiere|quieres|prefiere)\b)"
    r"|se(?= (?:non|não|è|for|fosse|questo|questa|isso|este|esta|desidera|vuole|vuoi|volete|preferisce|quiser|deseja|desejar|preferir|você)\b)|als(?= (?:u|je|jij|jullie|dit|het)\b)|om(?= (?:du|ni|det)\b)"
    r"|jos(?= (?:et|ette|haluat|haluatte|tämä)\b))\b(?! (?:[\w']{1,10} )?(?:possible|posible|possibile|possível|möglich|geht|möjligt|mogelijk|możliw|muligt|mulig|mahdollista|возможно|можн|možn|mümkün|posibil|please|could|would|stopped|removed|took|deleted|left))[^,，、]{0,400}"
    r"|\A.{0,300}(?:場合|たい方|ない方)は?|(?:如果|若|如)[您你不需][^,，]{0,200}|원하지 않으시면|원치 않으시면"
)
_WANTS = re.compile(
    r"\b(?:wish|want|like|prefer|rather|care|wünsch|möcht|woll|interess|souhait|voul|désir|préfér|dese|quier|prefer|desider|vuo|vole|quis|wilt|wil|wens|chce|życz|wol|vill|önsk|ønsk|vil|halu|хот|жела|přej|nechce)"
    r"|istem|ister|希望|不要|不需|不想|不再|不用|원하|원치|不要|場合|たい|ない"
)
# Whoever offers a way out speaks of the reader, not of himself.
_OFFER = re.compile(
    # All but the last begin a word: most places of a text are left at once.
    r"\b(?:(?:if|should|in case|unless) (?:you|we)\b|(?:wenn|falls|sofern|sollten|möchten) (?:sie|du|ihr)\b|si (?:vous|tu|usted|ya no|no (?:desea|quiere|quieres|deseas)|desea|deseas|quiere|quieres|prefiere)\b"
    r"|se (?:non (?:desidera|vuole|vuoi|volete|desideri)|desidera|vuole|vuoi|volete|preferisce|não (?:quiser|deseja|desejar|quer)|quiser|deseja|desejar|preferir|você)\b|caso (?:não|queira|deseje|prefira)\b"
    r"|(?:als|indien|wilt|wil|mocht) (?:u|je|jij|jullie)\b|(?:jeśli|jeżeli) (?:nie chce|chce|nie życz|państwo|pan|pani|wol)|(?:om|vill|önskar) (?:du|ni)\b|(?:hvis|dersom|ønsker|vil) (?:du|de|i|dere)\b"
    r"|(?:jos|mikäli) (?:et|ette|haluat|haluatte)\b|если (?:вы|ты|не хот|хот|больше)|(?:pokud|jestli) (?:si |již |už |nechce|chce|nemáte)|(?:istemiyorsan|istemezsen|isterseniz))|場合は|の場合|たい方|ない方|しい方|希望の方|希望される方|不要な方|不要の方|如果[您你不]|若[您你不]|如[您不需]|원하지 않으시면|원치 않으시면"
)
# "I would be grateful if you took me off."
_GRATEFUL = re.compile(
    r"\b(?:appreciate|grateful|thankful|froh|dankbar|verbunden|freue\w?|appréci|reconnaissant|agradec|grat[oai]\b|dankbaar|wdzięczn|tacksam|taknemmelig|takknemlig|благодар|vděčn|kiitollin|minnettar)"
)
# "Could you please remove me?" is a request, "are you the one who asked us to remove it?" is a question.
_REQUEST = re.compile(
    r"\b(?:could|can|would|will|may|please|bitte|könnt\w*|könn\w*|würde\w*|pourri\w*|pouv\w*|podrí\w*|pued\w*|potre\w*|puo\w*|può|pode\w*|kunt|kun|kunnen|czy|kan|kunne|mohl\w*|můž\w*|"
    r"можете|можно|пожалуйста|lütfen|svp|merci|gracias|favor|proszę|tack|tak|bedankt)\b"
)


def unsubscribe_mail(mail: InboundMail) -> Verdict | None:
    """A verdict for the mail that the mailto form of our List-Unsubscribe asks for (RFC 2369 3.2), whatever its body says."""
    if _MAILTO_SUBJECT.match(mail.header("subject")[:500]):
        return Verdict(Kind.OPT_OUT, LIST_UNSUBSCRIBE, intent=Intent.OPT_OUT)
    return None


def opt_out(mail: InboundMail) -> Verdict | None:
    """An opt-out where the words allow no other reading, a reply with that intent where they may mean it, else None."""
    lines = [line for raw in mail.new_text[:20000].splitlines() if (line := folded(raw))][:LINES_READ]
    if not lines and not mail.text.strip():
        # The mailto form of List-Unsubscribe sends an empty mail with the word as its subject.
        lines = [folded(mail.header("subject"))]
    if lines and bare(lines[0]) in opt_out_words.WHOLE:
        return _sure("whole-line")
    if bare(folded(mail.header("subject"))) in _SUBJECTS:
        return _sure("subject")
    friendly = any(entry in line and stands_in(entry, line) for line in lines for entry in opt_out_words.FRIENDLY)
    long = sum(_words(line) for line in lines) > _LONG
    redirected = _USE_OTHER.search(" ".join(lines)) is not None
    opening = first_line(lines)
    said = [line for line in lines if not any(entry in _CONDITION.sub(" ", line) for entry in _NEGATED)]
    sentences = [(_without_offer(part), line) for line in said for part in _ENDS.split(line) if part]
    on_condition = None
    for sentence, line in sentences:
        footer, whole = any(entry in line for entry in _FOOTER), bare(sentence) in opt_out_words.WHOLE
        hit, rest = ("whole-line", "") if whole else _in_order(sentence, footer=footer)
        if hit is not None:
            named = _of_footer(sentence if whole else hit)
            # A program that sells puts the word below what people write with it.
            alone = line != opening and (whole or _words(line) <= _LINK)
            below = named and (alone or _SHOWN.search(line) is not None)
            others = [other for other, _ in sentences if other != sentence]
            unsure = below or friendly or redirected or long or _goes_on(rest, footer=footer)
            unsure = unsure or _is_limited(sentence, hit, rest) or any(_acts(other) for other in others)
            if unsure or _of_something_else(sentence, hit, rest, lines):
                return _guess(hit)
            if _CONDITION.search(sentence) is None:
                return _sure(hit)
            # "If you do not stop writing, I tell the police. Take me off your list."
            on_condition = on_condition or hit
    if friendly or on_condition:
        return _guess(on_condition) if on_condition else None
    for sentence, line in sentences:
        footer = any(entry in line for entry in _FOOTER)
        hit = _broad(sentence, footer=footer) or _near(sentence)
        if hit is not None:
            return _guess(hit)
    return None


def offers(sentence: str) -> bool:
    """Whether a sentence tells its reader how not to be written to, instead of asking for it."""
    return _OFFER.search(sentence) is not None and _GRATEFUL.search(sentence) is None


def asks_nothing(sentence: str) -> bool:
    """Whether it is a question by which nobody asks us for anything: "not interested?"."""
    return sentence.rstrip().endswith(("?", "？")) and _REQUEST.search(sentence) is None


def _without_offer(sentence: str) -> str:
    """A sentence without the condition that names what its reader may want: "if you no longer wish to hear from us, ..."."""
    if _GRATEFUL.search(sentence):
        return sentence
    return _CONDITION.sub(lambda found: " if " if _WANTS.search(found.group()) else found.group(), sentence)


def opens(mail: InboundMail) -> bool:
    """Whether the wish is the first thing that is said, behind a greeting: so a footer has none."""
    lines = [line for raw in mail.new_text[:20000].splitlines() if (line := folded(raw))]
    said = first_line(lines)
    found = opt_out(replace(mail, new_text=said, text=said)) if said else None
    return found is not None and found.kind is Kind.OPT_OUT


def doubted(rule: str) -> Verdict:
    """The guess that takes the place of a wish which `rule` leaves in doubt."""
    return _guess(rule.removeprefix("opt-out:"))


def _of_something_else(sentence: str, hit: str, rest: str, lines: list[str]) -> bool:
    """Whether a sure phrase stands in a question that asks us nothing, speaks of a page, or says what else than us they have no interest in."""
    if asks_nothing(sentence) or _MORE_THAN.match(rest):
        return True
    if any(entry in sentence and stands_in(entry, sentence) for entry in opt_out_words.ON_A_PAGE):
        return True
    if not any(stem in hit or (hit == "whole-line" and stem in sentence) for stem in _NO_INTEREST):
        return False
    # "in" may belong to the phrase itself.
    behind = f" in{rest}" if hit.endswith(" in") else rest
    return _OBJECT.match(behind) is not None or intent("\n".join(lines))[0] is Intent.WANTS_PAYMENT


def _is_limited(sentence: str, hit: str, rest: str) -> bool:
    """Whether a sure phrase is bound to a time or a way, or says no more than that nothing else is needed."""
    if _NEEDED.match(rest) or _BOUND.match(rest) or _NOTHING.match(rest):
        return True
    return _OTHER_WAY.search(sentence) is not None and _MAIL.search(f"{hit} {sentence}") is None


def _acts(sentence: str) -> bool:
    """Whether a sentence tells an act, or asks for what comes next: nobody does so who wants to be left alone."""
    return any(pair(table, sentence) is not None for table in (intent_words.ACTS, intent_words.INTERESTED))


def _sure(hit: str) -> Verdict:
    return Verdict(Kind.OPT_OUT, f"opt-out:{hit}"[:60], intent=Intent.OPT_OUT)


def _guess(hit: str) -> Verdict:
    return Verdict(Kind.REPLY, f"reply:perhaps-opt-out:{hit}"[:60], intent=Intent.OPT_OUT)


def _of_footer(hit: str) -> bool:
    return any(entry in hit for entry in _SUBSCRIBED)


def _broad(sentence: str, *, footer: bool) -> str | None:
    hits = (entry for entry in opt_out_words.LIKELY if entry in sentence and stands_in(entry, sentence))
    # "Is the opt-out page the broken one?"
    unasked = asks_nothing(sentence)
    return next((entry for entry in hits if not (footer or unasked) or not _of_footer(entry)), None)


def _goes_on(rest: str, *, footer: bool) -> bool:
    """Whether a sentence goes on for longer after a sure phrase, and not with another one."""
    if _words(rest) <= _REST and not (_wide(rest) and len(rest) > _REST_WIDE):
        return False
    hit, more = _in_order(rest, footer=footer)
    return hit is None or _goes_on(more, footer=footer)


def _in_order(sentence: str, *, footer: bool) -> tuple[str | None, str]:
    """The words of the first sure phrase that stands in `sentence`, or None, and what the sentence goes on with."""
    for groups in opt_out_words.SURE:
        ends, found = [0], []
        for number, group in enumerate(groups):
            after = [
                (end, word)
                for word in group
                for start, end in _places(sentence, word.removesuffix("*"), whole=not word.endswith("*"))
                if any(start >= last and (number == 0 or _close(sentence[last:start])) for last in ends)
            ]
            if not after:
                break
            ends = [end for end, _ in after]
            found.append(after[0][1].removesuffix("*"))
        if len(found) == len(groups) and not (footer and _of_footer(" ".join(found))):
            return "+".join(found), sentence[min(ends) :]
    return None, ""


def _close(between: str) -> bool:
    return len(between) <= _GAP_WIDE if _wide(between) else _words(between) <= _GAP


def _words(text: str) -> int:
    return sum(any(character.isalnum() for character in word) for word in text.split())


def _near(sentence: str) -> str | None:
    """The stems of the first entry all of whose groups stand near each other in `sentence`, in any order, or None."""
    for groups in intent_words.OPT_OUT:
        found = []
        for group in groups:
            places = [
                (start, end, stem)
                for stem in group
                for start, end in _places(sentence, stem, whole=len(stem.rpartition(" ")[2]) <= _SHORT)
            ]
            if not places:
                break
            found.append(places[:_MOST_PLACES])
        if len(found) < len(groups):
            continue
        for chosen in product(*found):
            span = sentence[min(start for start, _, _ in chosen) : max(end for _, end, _ in chosen)]
            if _words(span) <= _SPREAD and (not _wide(span) or len(span) <= 3 * _GAP_WIDE):
                return "+".join(stem for _, _, stem in chosen)
    return None


def _places(sentence: str, word: str, *, whole: bool) -> list[tuple[int, int]]:
    """Where `word` stands at the start of a word, and with `whole` as one; anywhere in the scripts without spaces."""
    found: list[tuple[int, int]] = []
    at = sentence.find(word)
    while at >= 0 and len(found) < _MOST_PLACES:
        end = at + len(word)
        begins = at == 0 or not sentence[at - 1].isalnum()
        ends = not whole or end == len(sentence) or not sentence[end].isalnum()
        if _wide(word) or (begins and ends):
            found.append((at, end))
        at = sentence.find(word, at + 1)
    return found


def _wide(text: str) -> bool:
    return any(ord(character) > _WIDE for character in text)


def by_words(rule: str | None) -> bool:
    """Whether a machine read an opt-out out of what somebody wrote: not an act of their own, as the mail that our header asks for."""
    return bool(rule) and str(rule).startswith("opt-out:") and str(rule) not in _ACTS
