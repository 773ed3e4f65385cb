"""The wish to be left alone, and what else a reply wants, by fixed phrases in ten and more languages.

An opt-out is looked for in the first five lines that the writer added. A false one costs a prospect, a missed one the law;
so the phrases are broad, but a footer's "click here to unsubscribe" is not a wish.
"""

from __future__ import annotations

import re
import unicodedata

from app.domain import intent_words
from app.domain.bounce_text import squeeze
from app.domain.bounce_words import phrases
from app.domain.inbound import InboundMail, Intent, Kind, Verdict

LINES_READ = 5

# A line that is nothing else.
_WHOLE = frozenset(
    phrases(
        """
        stop | stop it | please stop | stop please | stop now | stop emailing | stop mailing | remove | please remove |
        unsubscribe | unsubscribe me | opt out | opt-out | optout | take me off | not interested | no interest | remove me please |
        stopp | bitte stoppen | abmelden | austragen | kein interesse | arrêtez | arretez | stop svp | désabonner |
        désinscription | désinscrire | desinscription | pas intéressé | pas intéressée | parar | baja | darme de baja | cancelar |
        no me interesa | cancellami | cancellatemi | disiscrivimi | non interessato | non interessata | pare | descadastrar | descadastre |
        sem interesse | afmelden | uitschrijven | geen interesse | geen belangstelling | wypisz | wypisz mnie | rezygnuję |
        nie jestem zainteresowany | nie jestem zainteresowana | avregistrera | avsluta | ej intresserad | inte intresserad | avmeld |
        afmeld | ikke interessert | ikke interesseret | отписаться | отпишите | отписка | стоп | не интересно | не интересует |
        配信停止 | 停止 | 退订 | 取消订阅 | 不感兴趣 | 수신거부 | 수신 거부 | odhlásit | nemám zájem | leiratkozás | dezabonare | abonelikten çık
        """
    )
)
# Words that may stand anywhere in a line.
_INSIDE = phrases(
    """
    unsubscribe | remove me | remove my | remove us | remove this address | remove this email | take me off | take us off |
    stop emailing | stop e-mailing | stop mailing | stop contacting | stop sending | stop writing | stop spamming | stop messaging |
    opt out | opt me out | opt-out | opting out | do not contact | don't contact | dont contact | do not email | don't email | do not e-mail |
    do not mail | do not write | don't write | do not message | do not send me | don't send me | do not reach out | don't reach out |
    never contact | never email | leave me alone | leave us alone | not interested | no longer wish to receive | delete my data | delete my email |
    delete my address | off your list | off your mailing list | no more emails | no more e-mails | no further emails | gdpr request |
    abmelden | austragen | nehmen sie mich aus | nehmen sie uns aus | von der liste | aus ihrem verteiler | aus dem verteiler |
    aus ihrer liste | keine weiteren e-mails | keine weiteren mails | keine mails mehr | keine e-mails mehr | nicht mehr kontaktieren |
    nicht mehr anschreiben | kontaktieren sie mich nicht | kein interesse | nicht interessiert | löschen sie meine | werbung widersprech |
    désabonn | desabonn | désinscri | desinscri | retirez-moi | retirez moi | ne plus me contacter | ne me contactez plus | ne nous contactez plus |
    ne plus recevoir | n'écrivez plus | pas intéress | pas interess | supprimez mon adresse | arrêtez de m | cessez de |
    darme de baja | dame de baja | denme de baja | dar de baja | no me contacte | no me escrib | no nos contacte | no nos escrib | no deseo recibir |
    no quiero recibir | no estoy interesad | no estamos interesad | no me interesa | no nos interesa | deje de enviar | dejen de enviar | deja de escrib |
    elimine mi correo | cancellami | cancellatemi | rimuovimi | rimuovetemi | disiscriv | non contattatemi | non contattarmi | non scrivetemi | non scrivermi |
    non sono interessat | non siamo interessat | non mi interessa | non ci interessa | smettete di | non desidero ricevere | non voglio ricevere |
    descadastr | remova meu | remova-me | me remova | remover meu | retire meu | não me contate | não entre em contato | não entrem em contato |
    não tenho interesse | não temos interesse | não estou interessad | não estamos interessad | não me interessa | pare de enviar | parem de enviar | não quero receber |
    afmelden | uitschrijven | schrijf mij uit | schrijf me uit | verwijder mij | verwijder me | verwijder ons | haal me van | haal mij van | niet meer mailen | niet meer contacten |
    geen mails meer | geen e-mails meer | niet geïnteresseerd | niet geinteresseerd | geen interesse | stop met mailen | geen contact meer |
    wypisz mnie | wypiszcie mnie | proszę mnie wypisać | usuń mnie | usuńcie mnie | proszę o usunięcie | nie kontaktuj | nie piszcie | nie pisz do |
    nie jestem zainteresowan | nie jesteśmy zainteresowan | nie życzę sobie | rezygnuję z | proszę nie kontaktować | proszę nie wysyłać |
    avregistrera mig | ta bort mig | ta bort min | ta bort oss | sluta skicka | sluta mejla | kontakta mig inte | kontakta inte | inte intresserad | inte intresserade | ej intresserad |
    fjern mig | fjern meg | fjern oss | slet mig | afmeld mig | meld meg av | slutt å sende | ikke kontakt | ikke interessert | ikke interesseret | stop med at sende |
    poista minut | poistakaa | älä ota yhteyttä | älkää ottako yhteyttä | en ole kiinnostunut | emme ole kiinnostuneita | lopettakaa |
    отпишите | отписать | отписаться | удалите мо | удалите меня | удалите нас | не пишите | больше не пиш | не присылайте | не интересует | не интересно | не заинтересован | прекратите |
    配信停止 | 配信を停止 | 送らないで | 連絡しないで | 連絡は不要 | 今後のご連絡は | メールを停止 | 興味がありません | 興味はありません | 興味ございません | 削除してください | お断りします |
    退订 | 取消订阅 | 不要再联系 | 请勿再 | 不要再发 | 不感兴趣 | 没有兴趣 | 請勿再 | 수신거부 | 수신 거부 | 연락하지 마 | 관심 없습니다 | 관심이 없습니다 |
    odhlaste mě | odhlásit | nekontaktujte | nemám zájem | nemáme zájem | neposílejte | leiratkoz | nem érdekel | ne keress | dezabon | nu mă contacta | nu sunt interesat |
    abonelikten | listenizden çıkar | ilgilenmiyorum | ilgilenmiyoruz | bir daha yazmayın | beni çıkarın
    """
)
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
)

_EDGE = re.compile(r"^[\s\W_]{1,40}|[\s\W_]{1,40}$")


def _line(text: str) -> str:
    return squeeze(unicodedata.normalize("NFKC", text[:500]))


def opt_out(mail: InboundMail) -> Verdict | None:
    """A verdict when the writer asks not to be written to again, in the first five lines of what they added."""
    lines = [line for raw in mail.new_text[:20000].splitlines() if (line := _line(raw))][:LINES_READ]
    if not lines and not mail.text.strip():
        # The mailto form of List-Unsubscribe sends an empty mail with the word as its subject.
        lines = [_line(mail.header("subject"))]
    for line in lines:
        bare = _EDGE.sub("", _EDGE.sub("", line))
        if bare in _WHOLE:
            return Verdict(Kind.OPT_OUT, "opt-out:whole-line", intent=Intent.OPT_OUT)
        if any(entry in line for entry in _FOOTER) or any(entry in line for entry in _NEGATED):
            continue
        hit = next((entry for entry in _INSIDE if entry in line and _stands_in(entry, line)), None)
        hit = hit or _pair(intent_words.OPT_OUT, line)
        if hit is not None:
            return Verdict(Kind.OPT_OUT, f"opt-out:{hit}"[:60], intent=Intent.OPT_OUT)
    subject = _EDGE.sub("", _line(mail.header("subject")))
    if subject in ("unsubscribe", "opt out", "opt-out", "remove", "remove me", "abmelden", "désinscription", "baja"):
        return Verdict(Kind.OPT_OUT, "opt-out:subject", intent=Intent.OPT_OUT)
    return None


_MAILTO_SUBJECT = re.compile(r"^\s*unsubscribe-[a-z2-7]{24}\s*$", re.IGNORECASE)


def unsubscribe_mail(mail: InboundMail) -> Verdict | None:
    """A verdict for the mail that the mailto form of our List-Unsubscribe asks for (RFC 2369 3.2), whatever its body says."""
    if _MAILTO_SUBJECT.match(mail.header("subject")[:500]):
        return Verdict(Kind.OPT_OUT, "opt-out:list-unsubscribe", intent=Intent.OPT_OUT)
    return None


def _stands_in(entry: str, text: str) -> bool:
    """Whether `entry` occurs in `text` at the start of a word (scripts without spaces have no such starts)."""
    at = text.find(entry)
    while at >= 0:
        if at == 0 or not text[at - 1].isalnum() or ord(entry[0]) > 0x2E7F:
            return True
        at = text.find(entry, at + 1)
    return False


def _pair(table: tuple[intent_words.Pair, ...], line: str) -> str | None:
    """The stems of the first entry all of whose groups stand in `line`, or None. Stems in scripts without spaces match anywhere."""
    for entry in table:
        found = [next((stem for stem in group if stem in line and _stands_in(stem, line)), None) for group in entry]
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
    listino | prezzo | prezzi | a pagamento | articolo sponsorizzato | tariffe | costo | preço | valor do | publipost | publieditorial | orçamento | pagamento | conteúdo patrocinado |
    tegen betaling | tarieven | vergoeding | kosten bedragen | gesponsord | de prijs | betaald | płatn | cennik | koszt | wynagrodzen | artykuł sponsorowan | budżet |
    betalning | kostar | prislista | ersättning | sponsrat | betaling | koster | prisliste | sponset | maksullinen | hinnasto | maksaa |
    платн | стоимость | цена | прайс | бюджет | оплат | 有料 | 料金 | 掲載料 | 費用 | 予算 | スポンサー | 收费 | 费用 | 价格 | 报价 | 付费 | 유료 | 비용 | 광고비 | ücret | fiyat | ceník
    """
)
_MONEY = re.compile(
    r"(?:[$€£¥]\s{0,2}\d{2,6}|\b\d{2,6}(?:[.,]\d{2})?\s{0,2}(?:[$€£¥]|(?:usd|eur|gbp|euros?|dollars?|pounds?|zł|pln|sek|nok|dkk|chf|kr|kč|czk|руб|reais|brl|lei|ft|huf|tl|dolar|lira|franken)\b)"
    r"|\d{1,6}\s{0,2}(?:円|万円|元|원|만원)|r\$\s{0,2}\d)",
    re.IGNORECASE,
)
_NOT_NOW = phrases(
    """
    not right now | not at the moment | not at this time | not now | not this month | not this year | maybe later | perhaps later | later this year | next month |
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
    not a match | not suitable | not relevant | isn't relevant | we don't accept | we do not accept | we don't add | we do not add | don't link | do not link | we don't do | we do not do | don't publish guest | can't help |
    cannot help | unable to help | won't be able | not be able to | not possible | we won't | i won't | can't add | cannot add | against our policy | against our editorial | no guest posts |
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
    we're interested | we are interested | i'm interested | i am interested | interested in | send it over | go ahead | yes please | yes, please | of course | absolutely | good catch | thanks for letting | thank you for letting | thanks for the heads | thanks for pointing | thanks for flagging | done! | all done | i fixed | we fixed | now fixed |
    gerne | klingt gut | gute idee | interessant | wir haben ergänzt | habe den link | haben den link | ist eingebaut | eingefügt | hinzugefügt | bin interessiert | sind interessiert | danke für den hinweis | erledigt |
    avec plaisir | volontiers | bonne idée | intéressé | intéressant | j'ai ajouté | nous avons ajouté | c'est fait | merci pour l'information | bien sûr | d'accord | con gusto | me interesa | nos interesa | buena idea | he añadido | hemos añadido | por supuesto | claro que sí | encantad | suena bien | gracias por avisar |
    volentieri | mi interessa | ci interessa | buona idea | ho aggiunto | abbiamo aggiunto | certamente | certo | grazie per la segnalazione | interessati | com prazer | tenho interesse | temos interesse | boa ideia | adicionei | adicionamos | claro | obrigado por avisar | ótima ideia |
    graag | goed idee | interessant | toegevoegd | natuurlijk | bedankt voor de tip | chętnie | dobry pomysł | jestem zainteresowan | jesteśmy zainteresowan | dodałem | dodałam | dodaliśmy | oczywiście | dziękuję za informację |
    gärna | låter bra | bra idé | intresserad | lagt till | självklart | tack för tipset | gerne | lyder godt | høres bra ut | god idé | lagt til | tilføjet | selvfølgelig | mielellään | hyvä idea | lisäsin | lisäsimme | kuulostaa hyvältä |
    с удовольствием | интересно | хорошая идея | добавил | добавили | конечно | спасибо, что сообщ | ぜひ | 喜んで | 興味があります | 追加しました | 追加いたしました | 掲載しました | 承知しました | ありがとうございます、 | 很感兴趣 | 有兴趣 | 已添加 | 已更新 | 当然可以 | 没问题 | 관심 있습니다 | 관심이 있습니다 | 추가했습니다 | 좋습니다 | memnuniyetle | ilgileniyor | ekledik | ekledim | tabii ki | zajímá nás | přidali
    """
)
_YES = frozenset(
    phrases(
        "yes | yes! | sure | ok | okay | done | great | perfect | ja | oui | sí | si | sì | sim | tak | да | はい | 好的 | 好 | 네 | evet | ano | deal | agreed"
    )
)


# "Tak" is yes in Polish and thanks in Danish, and even a yes may go on.
_BUT = frozenset(phrases("but | aber | mais | pero | mas | ma | maar | men | но | ale | mutta | ama"))


def intent(new_text: str) -> tuple[Intent | None, str | None]:
    """What the text wants and the phrase that says so; (None, None) where nothing is sure.

    Money is asked about before anything else, because "happy to add it for $150" is not a win.
    """
    text = _text(new_text)
    if not text:
        return None, None
    money = _MONEY.search(text)
    if money is not None:
        return Intent.WANTS_PAYMENT, f"wants-payment:{money.group()[:20]}"
    lines = [line for raw in new_text[:6000].splitlines()[:60] if (line := _line(raw))]
    for wish, table, stems in (
        (Intent.WANTS_PAYMENT, _WANTS_PAYMENT, ()),
        (Intent.NOT_NOW, _NOT_NOW, intent_words.NOT_NOW),
        (Intent.NO, _NO, intent_words.NO),
        (Intent.INTERESTED, _INTERESTED, intent_words.INTERESTED),
    ):
        hit = next((entry for entry in table if entry in text and _stands_in(entry, text)), None)
        hit = hit or next((found for line in lines if (found := _pair(stems, line))), None)
        if hit is not None:
            return wish, f"{wish}:{hit}"[:60]
    first = _EDGE.sub("", _EDGE.sub("", _line(new_text.strip().splitlines()[0]))) if new_text.strip() else ""
    if (
        first in _YES
        or (first.partition(",")[0] in _YES and not any(f" {but} " in f" {text} " for but in _BUT))
        or first.partition(" ")[0] in ("yes", "sure", "yep", "yeah")
    ):
        return Intent.INTERESTED, "interested:yes"
    if "?" in text or "？" in text or text.endswith(("でしょうか。", "ですか。", "ますか。", "か。")):
        return Intent.QUESTION, "question:mark"
    if first in ("no", "nope", "nein", "non", "não", "nee", "nie", "nej", "нет", "いいえ", "不"):
        return Intent.NO, "no:whole-line"
    return None, None


def _text(new_text: str) -> str:
    return squeeze(unicodedata.normalize("NFKC", new_text[:6000]))
