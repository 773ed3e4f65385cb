"""What else than to be left alone a reply wants, by fixed phrases in ten and more languages; `inbound_opt_out` has that wish."""

from __future__ import annotations

import re
import unicodedata

from app.domain import intent_words
from app.domain.bounce_class import squeeze
from app.domain.bounce_words import phrases
from app.domain.inbound import Intent
from app.domain.money import price_in


def bare(line: str) -> str:
    """What is left of a line without the signs, blanks and emoji at its ends."""
    start, end = 0, len(line)
    while start < end and not line[start].isalnum():
        start += 1
    while end > start and not line[end - 1].isalnum():
        end -= 1
    return line[start:end]


def folded(text: str) -> str:
    """A line in the form in which the tables are asked."""
    return squeeze(unicodedata.normalize("NFKC", text[:500]))


def stands_in(entry: str, text: str) -> bool:
    """Whether `entry` occurs in `text` at the start of a word (scripts without spaces have no such starts)."""
    at = text.find(entry)
    while at >= 0:
        if at == 0 or not text[at - 1].isalnum() or ord(entry[0]) > 0x2E7F:
            return True
        at = text.find(entry, at + 1)
    return False


def pair(table: tuple[intent_words.Pair, ...], line: str) -> str | None:
    """The stems of the first entry all of whose groups stand in `line`, or None. Stems in scripts without spaces match anywhere."""
    for entry in table:
        found = [next((stem for stem in group if stem in line and stands_in(stem, line)), None) for group in entry]
        if all(found):
            return "+".join(stem for stem in found if stem)
    return None


_WANTS_PAYMENT = phrases(
    """
    sponsored post | sponsored content | sponsored article | sponsored link | paid post | paid link | paid placement | paid guest | paid article |
    guest post fee | our fee | our rate | our rates | our price | our pricing | price list | pricelist | rate card | media kit | mediakit | we charge |
    i charge | charge a fee | there is a fee | there's a fee | a small fee | editorial fee | admin fee | administration fee | publishing fee | the cost is |
    it costs | would cost | cost is | costs are | price is | price for | prices start | what is your budget | what's your budget | your budget | do you have a budget |
    have a budget | how much would you pay | how much are you willing | willing to pay | do you pay | payment via paypal | paypal | per link | per post | invoice | compensation |
    preisliste | mediadaten | kostet | die kosten | honorar | vergütung | bezahlt | gegen gebühr | gebühr | budget | werbepartner | anzeigenpreis | rechnung |
    tarif | nos prix | payant | article sponsorisé | lien sponsorisé | rémunér | facturer | tarifa | precio | coste | presupuesto | artículo patrocinado | post patrocinado | enlace patrocinado | pago |
    for a fee | for a small fee | partnership package | partner package | sponsorship package | commercial team | our packages | media pack | as an advertorial | as advertorial | als advertorial |
    paying partner | paying customer | was zahlen sie | was zahlt ihr | was zahlst du | wie viel zahlen | wieviel zahlen | combien payez | cuánto pagáis | cuánto pagan | quanto pagate | quanto pagam | wat betaal | ile płac | we sell | send you conditions | our conditions | a donation | donation to our | buy me a coffee | buymeacoffee | ko-fi | what do you pay | unsere konditionen |
    unseren konditionen | zahlende partner | zahlende kund | anzeigenkund | wir verkaufen | kit média | dossier média | nos conditions | contre rémunération | previo pago | kit de medios |
    nuestras condiciones | titolo oneroso | kit media | nostre condizioni | a título oneroso | onze voorwaarden | odpłatn | mot betalning | mot ersättning | mod betaling | mot betaling | za úplat |
    на коммерческой основе | коммерческих услов | сколько платите | сколько вы платите | на платной | 有償 | 付费合作 |
    listino | prezzo | prezzi | a pagamento | articolo sponsorizzato | tariffe | costo | preço | valor do | publipost | publieditorial | orçamento | pagamento | conteúdo patrocinado |
    tegen betaling | tarieven | vergoeding | kosten bedragen | gesponsord | de prijs | betaald | płatn | cennik | koszt | wynagrodzen | artykuł sponsorowan | budżet |
    betalning | kostar | prislista | ersättning | sponsrat | betaling | koster | prisliste | sponset | maksullinen | hinnasto | maksaa |
    платн | стоимость | цена | прайс | бюджет | оплат | 有料 | 料金 | 掲載料 | 費用 | 予算 | スポンサー | 收费 | 费用 | 价格 | 报价 | 付费 | 유료 | 비용 | 광고비 | ücret | fiyat | ceník
    """
)
_NOT_NOW = phrases(
    """
    not right now | not at the moment | not this quarter | not this week | not this season | not this semester | not at this time | not now | not this month | not this year | maybe later | perhaps later | later this year | next month |
    next quarter | next year | get back to me in | reach out again | reach out in | circle back | check back | try again in | follow up in | contact me again in | busy at the moment |
    too busy | currently not | at a later date | down the road | in a few weeks | in a few months | bad timing | ask me again |
    im moment nicht | momentan nicht | derzeit nicht | zurzeit nicht | zur zeit nicht | aktuell nicht | jetzt nicht | vielleicht später | später noch einmal | nächsten monat | nächstes jahr | nächste woche |
    pas pour le moment | pas pour l'instant | pas maintenant | plus tard | le mois prochain | l'année prochaine | actuellement pas |
    ahora no | ahora mismo no | por ahora no | de momento no | por el momento no | más adelante | más tarde | el próximo mes | el próximo año |
    al momento no | non al momento | non ora | per ora no | più avanti | più tardi | il mese prossimo | l'anno prossimo | no momento não | agora não | por enquanto não | mais tarde | mais para frente | próximo mês | próximo ano |
    nu niet | op dit moment niet | momenteel niet | voorlopig niet | misschien later | volgende maand | volgend jaar | nie teraz | obecnie nie | na razie nie | może później | w przyszłym miesiącu | w przyszłym roku |
    inte just nu | inte nu | för tillfället inte | kanske senare | nästa månad | nästa år | ikke nå | ikke nu | ikke akkurat nå | kanskje senere | måske senere | næste måned | neste måned | ei nyt | ehkä myöhemmin | ensi kuussa |
    не сейчас | пока нет | пока не | позже | в следующем месяце | в следующем году | 今は | 現時点では | また今度 | 来月 | 来年 | 暂时不 | 目前不 | 以后再 | 下个月 | 나중에 | 지금은 | 다음 달 | şu an değil | şu anda | daha sonra | gelecek ay | teď ne | momentálně ne | příští měsíc
    """
)
_NO = phrases(
    """
    no thanks | no thank you | no, thanks | no, thank you | we'll pass | i'll pass | we will pass | i will pass | have to decline | must decline | we decline | i decline | politely decline | unfortunately | i'm afraid | i am afraid | not a fit | not a good fit |
    not a match | not suitable | not relevant | isn't relevant | we don't accept | we do not accept | we don't add | we do not add | don't link | do not link | we don't do | we do not do | i don't do | i do not do | don't publish guest | can't help |
    cannot help | unable to help | won't be able | not be able to | not possible | we won't | i won't | can't add | cannot add | against our policy | against our editorial | answer is no | answer is still no | antwort ist nein | antwort lautet nein | réponse est non | respuesta es no | risposta è no | resposta é não | antwoord is nee | odpowiedź brzmi nie | svaret är nej | svaret er nei | svaret er nej | ответ нет | ответ — нет | no guest posts |
    nein danke | nein, danke | leider nicht | leider nein | passt nicht | nicht möglich | lehnen ab | ablehnen | müssen wir absagen | nehmen keine | non merci | non, merci | malheureusement | nous refusons | n'acceptons pas | pas possible | ne correspond pas |
    no gracias | no, gracias | lo siento, pero | no es posible | no aceptamos | no podemos | lamentablemente | no grazie | no, grazie | purtroppo | non è possibile | non accettiamo | non possiamo | não, obrigad | não obrigad | infelizmente | não é possível | não aceitamos | não podemos |
    nee bedankt | nee, bedankt | nee dank | helaas | niet mogelijk | past niet | nie, dziękuj | nie dziękuj | niestety | nie możemy | nie jest możliwe | nej tack | tyvärr | inte möjligt | nej tak | nei takk | desværre | dessverre | ikke mulig | ei kiitos | valitettavasti |
    нет, спасибо | нет спасибо | к сожалению | не можем | невозможно | お断り | ご遠慮 | 見送らせて | 致しかねます | いたしかねます | できません | 不需要 | 谢谢，不用 | 很抱歉 | 抱歉 | 어렵습니다 | 죄송하지만 | 괜찮습니다 | hayır teşekkür | maalesef | ne děkuji | ne, děkuji | bohužel
    """
)
_INTERESTED = phrases(
    """
    happy to | glad to | i'd love to | we'd love to | i would love | we would love | love to | sounds good | sounds great | sounds interesting | great idea | good idea | i've added | i have added | we've added | we have added | i added | we added |
    added the link | added your link | link is live | it's live | is now live | i'll add | i will add | we'll add | we will add | will update | i've updated | we've updated | updated the page | updated the article | have updated |
    we're interested | we are interested | i'm interested | i am interested | interested in | send it over | go ahead | yes please | yes, please | of course | absolutely | good catch | done! | all done | i fixed | we fixed | now fixed |
    gerne | klingt gut | gute idee | interessant | wir haben ergänzt | habe den link | haben den link | ist eingebaut | eingefügt | hinzugefügt | bin interessiert | sind interessiert | erledigt |
    avec plaisir | volontiers | bonne idée | intéressé | intéressant | j'ai ajouté | nous avons ajouté | c'est fait | bien sûr | d'accord | con gusto | me interesa | nos interesa | buena idea | he añadido | hemos añadido | por supuesto | claro que sí | encantad | suena bien |
    volentieri | mi interessa | ci interessa | buona idea | ho aggiunto | abbiamo aggiunto | certamente | certo | interessati | com prazer | tenho interesse | temos interesse | boa ideia | adicionei | adicionamos | claro | ótima ideia |
    graag | goed idee | interessant | toegevoegd | natuurlijk | chętnie | dobry pomysł | jestem zainteresowan | jesteśmy zainteresowan | dodałem | dodałam | dodaliśmy | oczywiście |
    gärna | låter bra | bra idé | intresserad | lagt till | självklart | gerne | lyder godt | høres bra ut | god idé | lagt til | tilføjet | selvfølgelig | mielellään | hyvä idea | lisäsin | lisäsimme | kuulostaa hyvältä |
    с удовольствием | интересно | хорошая идея | добавил | добавили | конечно | ぜひ | 喜んで | 興味があります | 追加しました | 追加いたしました | 掲載しました | 承知しました | ありがとうございます、 | 很感兴趣 | 有兴趣 | 已添加 | 已更新 | 当然可以 | 没问题 | 관심 있습니다 | 관심이 있습니다 | 추가했습니다 | 좋습니다 | memnuniyetle | ilgileniyor | ekledik | ekledim | tabii ki | zajímá nás | přidali
    """
)
YES = frozenset(
    phrases(
        """
        yes | yes! | sure | ok | okay | done | great | perfect | ja | oui | sí | si | sì | sim | tak | да | はい | 好的 | 好 | 네 | evet | ano | deal | agreed | will do | ok thanks | okay thanks | ok thank you | swapped | fixed | added | updated | klar | na klar | passt | gern | gerne | mach ich | machen wir |
        ist drin | vale | hecho | listo | jasne | pewnie | zrobione | beleza | feito | combinado | va bene | fatto | inserito | aggiunto | perfetto | ça marche | c'est fait | c'est bon | parfait | akkoord | prima | gedaan | absolut |
        fixat | klart | tamam | olur | хорошо | договорились | сделано | ок | hotovo | jistě | 了解しました | 了解です | 承知しました | 可以 | 좋아요 | selvfølgelig | den er i orden | joo | selvä
        """
    )
)


# "It isn't free" is a price without a number; "I am not free this week" is none.
_NOT_FREE = re.compile(
    # What most of it begins with is asked once: most places of a text are left at once.
    r"\b(?:(?:is|are)(?:n't| not) (?:\w{1,12} ){0,2}free(?! (?:this|next|until|till|of(?! charge)|from|on (?:mon|tue|wed|thu|fri|sat|sun)|today|tomorrow|at|right|to|in|before|enough|now|for a))"
    r"|(?:not|never) (?:\w{1,12} ){0,4}for free|not free of charge"
    r"|(?:nicht|nie|kein\w{0,2}) (?:\w{1,12} ){0,2}(?:kostenlos|kostenfrei|gratis|umsonst|unentgeltlich)|pas (?:\w{1,12} ){0,3}gratuit|(?:no|non|não) (?:\w{1,12} ){0,2}(?:gratis|gratuit|de graça)"
    r"|(?:niet|nooit|inte|ej|ikke|aldrig|aldri) (?:\w{1,12} ){0,2}(?:gratis|kosteloos|voor niets|kostnadsfri|utan kostnad|vederlagsfri)|nie (?:\w{1,12} ){0,2}(?:darmow|za darmo|bezpłatn|gratis)"
    r"|(?:ne|není|nejsou) (?:\w{1,12} ){0,2}(?:zdarma|bezplatn)|не (?:\w{1,12} ){0,2}(?:бесплатн|даром)|(?:ei|eivät) (?:\w{1,12} ){0,2}ilmai|(?:ücretsiz|bedava) değil"
    r"|(?:umsonst|kostenlos|gratis) (?:\w{1,12} ){1,3}nicht\b)"
    r"|n't (?:\w{1,12} ){0,4}for free|無料では|免费的?不|不是免费|不免费|무료[가는] 아"
)
# The page of prices, where it is named in a sentence: below a name, it is a signature.
_PRICES_AT = re.compile(
    r"[\w:] \S{0,80}/(?:advertise|advertising|advertise-with-us|werben|mediadaten|media-kit|mediakit|publicite|publicidad|pubblicita|publicidade|adverteren|reklama)(?![\w-])"
)
NOES = frozenset(
    phrases(
        """
        no | nope | nah | pass | i pass | nope sorry | no sorry | sorry no | we're good | we're all set | we are all set | i'll pass | nein | nö | non | não | nee | nie | nej | nei | нет | не надо | ne | hayır | 結構です | いいえ | 不 | 不用 |
        아니요 | ei
        """
    )
)
# "Tak" is yes in Polish and thanks in Danish, and even a yes may go on.
BUT = frozenset(
    phrases("but | though | although | however | aber | mais | pero | mas | ma | maar | men | но | ale | mutta | ama")
)


# Of what says "not now" the times: whoever names one for what they do is no less willing.
_TIMES = frozenset(
    phrases(
        """
        later this year | next month | next quarter | next year | nächsten monat | nächstes jahr | nächste woche | plus tard | le mois prochain | l'année prochaine | más adelante | más tarde |
        el próximo mes | el próximo año | più avanti | più tardi | il mese prossimo | l'anno prossimo | mais tarde | próximo mês | próximo ano | volgende maand | volgend jaar | w przyszłym miesiącu |
        w przyszłym roku | nästa månad | nästa år | næste måned | neste måned | ensi kuussa | позже | в следующем месяце | в следующем году | 来月 | 来年 | 下个月 | 다음 달 | gelecek ay | příští měsíc
        """
    )
)
_NEGATED = re.compile(
    r"n't\b|\b(?:no|not|never|cannot|nicht|nie|kein\w{0,2}|nein|ne|pas|jamais|non|ni|nunca|não|niet|geen|nooit|nee|inte|ej|aldrig|nej|ikke|aldri|nei|nie|не|нет|никогда|ei|en|emme|değil|hayır)\b"
)
_NO_PROBLEM = re.compile(
    r"\b(?:no problem|no worries|no issue|no hurry|no rush|kein problem|pas de (?:souci|problème)|sin problema|nessun problema|sem problema|geen probleem|nie ma problemu|inga problem|ikke noget problem)"
)
_LATER = (
    *intent_words.LATER.split("/"),
    *phrases(
        "yet | before | today | heute | noch nicht | encore | todavía | ancora | ainda | nog niet | jeszcze | ännu | endnu | ještě | ещё | пока"
    ),
)
# What somebody has not understood is nothing that they refuse.
_UNSURE = phrases(
    """
    sure | find | found | see it | know | understand | open it | access | sicher | finde | weiß | sehe | verstehe | trouve | sûr | sais | vois | comprend | encuentro | seguro | segura | lo sé | veo | entiendo |
    trovo | sicur | vedo | capisco | encontro | certeza | sei | vejo | entend | vind | zeker | weet | begrijp | hitta | säker | förstår | finder | sikker | forstår | znajduję | pewn | widzę | rozumiem |
    najít | jist | nevidím | rozumím | нахожу | уверен | вижу | знаю | понимаю | 見つか | わから | 分から
    """
)
# "No, I had not noticed": what nobody knew before we wrote.
_UNAWARE = phrases(
    """
    seen | noticed | notice | aware | realis | realiz | know | knew | heard | gesehen | bemerkt | gewusst | aufgefallen | gehört | pas vu | remarqué | savais | aperçu | visto | notado | sabía | fijado | dado cuenta |
    notato | accort | sapevo | reparado | percebi | sabia | gezien | gemerkt | opgemerkt | wist | zauważ | wiedzia | widzia | inte sett | märkt | visste | lagt märke | ikke set | bemærket | lagde mærke | vidste | lagt merke |
    nähnyt | huoman | tiennyt | видел | замет | замеча | знал | neviděl | nevšim | nevěděl | görme | fark et | bilmiyor | 気づ | 気付 | 知り | 没看 | 没注意 | 不知道 | 못 봤 | 몰랐
    """
)
_ENDS = re.compile(r"(?<=[.!?;])\s")
# Between two things that somebody has done.
_PARTS = re.compile(r"[,.;!、。，]|\s(?:and|but|und|et|y|e|ed|en(?! place)|i|och|og|и|a|ja|ve)\s")
# Questions whose mark is missing.
ASKS = re.compile(
    r"(?:\A|[.!,] )(?:can|could|would|will) you\b|\b(?:können|könnten|kannst|könntest) (?:sie|du) (?:mir|uns)\b|\b(?:pouvez|pourriez)-vous\b|\b(?:puede|podría|pueden|podrían) (?:enviar|decir|indicar)"
)
_FEW = 4
_HEAD = re.compile(r"[,.!;:]\s|\s[–—-]\s|[。、！]")
_GREETING = re.compile(
    r"(?:hi|hello|hey|dear|hallo|moin|liebe\w?|sehr geehrte\w?|guten tag|bonjour|bonsoir|salut|hola|buenas|buenos días|ciao|salve|buongiorno|gentile|olá|oi|bom dia|boa tarde|beste|hoi|dag|cześć|dzień dobry|"
    r"witam|hej|god dag|dobrý den|ahoj|здравствуйте|добрый день|привет|merhaba)\b[^.!?,]{0,30}[.,!]?\Z"
)


def intent(new_text: str) -> tuple[Intent | None, str | None]:
    """What the text wants and the phrase that says so; (None, None) where nothing is sure.

    Money is asked about before anything else, because "happy to add it for $150" is not a win.
    """
    text = _text(new_text)
    if not text:
        return None, None
    price = price_in(text)
    if price is not None:
        return Intent.WANTS_PAYMENT, f"wants-payment:{price[:20]}"
    unpaid = _NOT_FREE.search(text)
    if unpaid is not None:
        return Intent.WANTS_PAYMENT, f"wants-payment:{unpaid.group()[:20]}"
    lines = [line for raw in new_text[:6000].splitlines()[:60] if (line := folded(raw))]
    # "Our prices:", and the address in a line of its own.
    told = (
        f"{before} {line}" if before.endswith(":") else line for before, line in zip(["", *lines], lines, strict=False)
    )
    priced = next((named for line in told if "/" in line and (named := _PRICES_AT.search(line))), None)
    if priced is not None:
        return Intent.WANTS_PAYMENT, f"wants-payment:/{priced.group().rpartition('/')[2]}"[:60]
    for wish, table, stems in (
        (Intent.WANTS_PAYMENT, _WANTS_PAYMENT, ()),
        (Intent.NOT_NOW, _NOT_NOW, intent_words.NOT_NOW),
        (Intent.NO, _NO, intent_words.NO),
        (Intent.INTERESTED, _INTERESTED, intent_words.INTERESTED),
    ):
        hit = next((entry for entry in table if entry in text and stands_in(entry, text)), None)
        hit = hit or next((found for line in lines if (found := pair(stems, line))), None)
        if hit is not None:
            return _weighed(wish, hit, text, lines)
        if wish is Intent.NO and (gone := _gone(text, lines)) is not None:
            return gone
    first = first_line(lines)
    whole, head = bare(first), bare(_HEAD.split(first)[0])
    if (
        whole in YES
        or (head in YES and not any(f" {but} " in f" {text} " for but in BUT))
        or whole.partition(" ")[0] in ("yes", "sure", "yep", "yeah")
    ):
        return Intent.INTERESTED, "interested:yes"
    if (
        "?" in text
        or "？" in text
        or ASKS.search(text)
        or text.endswith(("でしょうか。", "ですか。", "ますか。", "か。"))
    ):
        return Intent.QUESTION, "question:mark"
    if head in NOES:
        # "No, I had not noticed" refuses nothing.
        return (None, None) if any(stands_in(entry, text) for entry in _UNAWARE) else (Intent.NO, "no:whole-line")
    refusal = refusal_behind(text)
    return _refusal(refusal) if refusal is not None else (None, None)


def _gone(text: str, lines: list[str]) -> tuple[Intent, str] | None:
    """What somebody says who has taken the dead link out: there is nothing left to replace, or ours has come in its place."""
    removed = next((found for line in lines if (found := pair(intent_words.REMOVED, line))), None)
    if removed is None or "?" in text or "？" in text:
        return None
    # "En" is a Finn's "I do not", and "in" or "and" elsewhere.
    parts = [part for part in _PARTS.split(text) if all(found.group() == "en" for found in _NEGATED.finditer(part))]
    put = next((found for part in parts if (found := pair(intent_words.PUT_YOURS, part))), None)
    if put is not None:
        return Intent.INTERESTED, f"interested:{put}"[:60]
    kept = any(stands_in(entry, text) for entry in intent_words.KEPT)
    return None if kept else (Intent.NO, f"no:{removed}"[:60])


def _refusal(said: str) -> tuple[Intent, str]:
    """What a refusal behind a "but" says: no, or not yet."""
    wish = Intent.NOT_NOW if any(stands_in(entry, said) for entry in _LATER) else Intent.NO
    return wish, f"{wish}:{said}"[:60]


def first_line(lines: list[str]) -> str:
    """The first line that is no greeting, as it is."""
    return next((line for line in lines if not _GREETING.match(line)), "")


def _weighed(wish: Intent, hit: str, text: str, lines: list[str]) -> tuple[Intent, str]:
    """The wish of `hit`, or what somebody does or says all the same: the clause behind a "but" decides, and so does an act."""
    if wish is Intent.NOT_NOW and hit in _TIMES:
        act = next((found for line in lines if (found := pair(intent_words.ACTS, line))), None)
        if act is not None:
            return Intent.INTERESTED, f"{Intent.INTERESTED}:{act}"[:60]
    if wish is Intent.INTERESTED and (refusal := refusal_behind(text)) is not None:
        return _refusal(refusal)
    if wish is Intent.NO:
        behind = behind_but(text)
        first = bare(behind.split(" ")[0])
        told = next(
            (found for table in (intent_words.ACTS, intent_words.INTERESTED) if (found := pair(table, behind))), None
        )
        yes = "yes" if first in YES else told
        refused = (
            any(stands_in(entry, behind) for entry in _NO) or pair(intent_words.NO, behind) or _NEGATED.search(behind)
        )
        if yes is not None and not refused:
            return Intent.INTERESTED, f"{Intent.INTERESTED}:{yes}"[:60]
    return wish, f"{wish}:{hit}"[:60]


def behind_but(text: str) -> str:
    """The clause behind the last "but" in `text`, up to the end of its sentence, or nothing."""
    words = text.split(" ")
    # "Ma" is Italian for but, behind a comma, and French for my.
    but = (
        n
        for n in reversed(range(1, len(words)))
        if bare(words[n]) in BUT and (words[n] != "ma" or words[n - 1].endswith(","))
    )
    at = next(but, 0 if bare(words[0]) in BUT - {"ma"} else None)
    return _ENDS.split(" ".join(words[at + 1 :]))[0].strip() if at is not None else ""


def refusal_behind(text: str) -> str | None:
    """The refusal in the clause behind the last "but": a short one with a negation, or one that names what they never do."""
    behind = behind_but(text)
    if not behind or "?" in behind or _NEGATED.search(_NO_PROBLEM.sub("", behind)) is None:
        return None
    if any(stands_in(entry, behind) for entry in _UNSURE):
        return None
    return f"but {behind}" if len(behind.split()) <= _FEW else pair(intent_words.REFUSALS, behind)


def _text(new_text: str) -> str:
    return squeeze(unicodedata.normalize("NFKC", new_text[:6000]))
