"""What responders, help desks and filters say, in some twenty-five languages. Tables only; `inbound_auto` has the rules."""

from __future__ import annotations

from app.domain.bounce_words import phrases
from app.domain.intent_words import pairs

# Starts of subjects that only responders write.
SUBJECT_STARTS = phrases(
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

# Those of them that may as well be the topic of a person's mail ("On holiday homes").
TOPICS = phrases("auto: | on holiday | on vacation | lomalla | в отпуске")

# What a subject is about that only seems to begin as theirs do ("Out of office templates for your list").
WORKS = phrases(
    """
    template | example | sample | guide | article | checklist | generator | blog post | link | page | list | vorlage | beispiel | muster | artikel |
    ratgeber | modèle | exemple | plantilla | ejemplo | artículo | guía | modello | modelli | esempi | articol | guida | modelo | exemplo | artigo |
    guia | voorbeeld | sjabloon | szablon | przykład | artykuł | mall | exempel | skabelon | eksempel | шаблон | пример | テンプレート | 例文
    """
)

# What absence notes say in their first lines; only counted beside a weak header.
ABSENT = phrases(
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

# Other words of notes that say until when nobody answers.
CLOSED = phrases(
    """
    away | closed | on a trip | travelling | traveling | out until | out till | on sabbatical | ooo | geschlossen | verreist | unterwegs | auf reisen | dienstreise | betriebsferien | fermé | en déplacement | en voyage | cerrad | de viaje | chius | in viaggio |
    in trasferta | fechad | em viagem | gesloten | op reis | vrij tot | zamknięt | w podróży | urlop | stängt | bortrest | ledig | lukket | bortrejst | stengt | på reise | suljettu | matkoilla | zavřen | na cestách | закрыт | в командировке |
    отпуск | kapalı | seyahatte | 休業 | 出張 | 放假 | 出差 | 휴무 | 출장
    """
)
# A polite no to what somebody was asked, and to nothing else.
PASS = frozenset(
    phrases(
        """
        no thanks | no thank you | no, thanks | no, thank you | we'll pass | i'll pass | we will pass | i will pass | have to decline | must decline | we decline | i decline | politely decline | answer is no | answer is still no |
        nein danke | nein, danke | non merci | non, merci | no gracias | no, gracias | no grazie | no, grazie | não, obrigad | não obrigad | nee bedankt | nee, bedankt | nee dank | nie, dziękuj | nie dziękuj | nej tack | nej tak | nei takk |
        ei kiitos | нет, спасибо | нет спасибо | hayır teşekkür | ne děkuji | ne, děkuji | 見送らせて | 不需要 | 谢谢，不用
        """
    )
)
# Said to every guest: what sounds like a yes, and is none without an act.
COURTESY = frozenset(
    phrases(
        """
        happy to | glad to | i'd love to | we'd love to | i would love | we would love | love to | interested in | of course | gerne | interessant | avec plaisir | volontiers | con gusto | encantad | por supuesto | claro | volentieri | certo |
        com prazer | graag | natuurlijk | chętnie | gärna | självklart | selvfølgelig | mielellään | с удовольствием | интересно | конечно | ぜひ | 喜んで | memnuniyetle
        """
    )
)
# With one of these it is meant.
DOES = phrases(
    """
    add | include | insert | swap | replace | publish | update | feature | einbau | einzubau | aufnehm | aufzunehm | ergänz | austausch | auszutausch | veröffentlich | einfüg | ajout | inclu | remplac | publi | insér | añad | cambi | sustitu |
    inser | aggiung | sostitu | adicion | troc | toevoeg | toe te voegen | plaats | vervang | doda | zamie | podmieni | lägg | byt | tilføj | legg | lægg | skift | добав | размест | замен | lisä | vaihda | ekle | değiştir | přid | vymě | 追加 | 掲載 |
    差し替 | 添加 | 추가
    """
)
# What our mails ask about: a link on a page of theirs.
LINK = phrases(
    """
    link | backlink | verlink | verweis | lien | enlace | enlaz | collegament | länk | lenk | odkaz | odnośnik | ссылк | linkki | linkin | bağlantı | リンク | 链接 | 링크 | guest post | gastbeitr | article invité | sponsored
    """
)
PAGE = phrases(
    """
    page | article | paragraph | absatz | paragraphe | párrafo | parágrafo | paragrafo | alinea | stycke | afsnit | avsnitt | абзац | akapit | odstavec | kappale | paragraf | 段落 | 一段 | 문단 | author | autor | auteur | autore | data | daten | données | datos | dados | dati | cijfers | siffror | データ | blog post | seite | artikel | beitrag | página | pagina | artículo | articolo | artigo | stron | artyku | sida | sidan | sivu | artikkel | stránk | článek | článk | страниц | стать | sayfa | makale | ページ | 記事 | 页面 | 文章 | 페이지
    """
)

# What help desks say to everybody who writes.
RECEIPT = phrases(
    """
    has been received | have been received | got your request | got your message | got your email | got your mail | got your ticket | we have received your | we've received your | we received your |
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

# By which a responder without any header names itself; only counted from an address that belongs to an office, and where nothing else is said.
AUTOMATED = phrases(
    """
    this is an automated | this is an automatic | this is an auto-generated | this message was automatically | this email was automatically | this message was generated automatically |
    dies ist eine automatisch | diese nachricht wurde automatisch | diese e-mail wurde automatisch | diese mail wurde automatisch | ceci est un message automatique | ceci est une réponse automatique |
    message généré automatiquement | este es un mensaje automático | esta es una respuesta automática | questo è un messaggio automatico | questa è una risposta automatica | esta é uma mensagem automática |
    esta é uma resposta automática | dit is een automatisch | wiadomość wygenerowana automatycznie | wiadomość została wygenerowana automatycznie | detta är ett automatiskt | dette er en automatisk | dette er et automatisk |
    tämä on automaattinen | это автоматическое | это автоматический | tato zpráva byla vygenerována automaticky | このメールは自動 | 自動送信 | 此邮件为自动 | 这是自动 | 자동으로 발송 | bu otomatik
    """
)
# Who writes them.
ROLES = frozenset(
    phrases(
        "info | hello | hi | hey | contact | kontakt | contacto | contato | contatti | support | help | helpdesk | office | mail | email | team | service | noreply | no-reply | no_reply | donotreply | do-not-reply | "
        "editor | editors | editorial | redaktion | redaction | redazione | redactie | redakcja | press | presse | admin | webmaster | enquiries | inquiries | hola | bonjour | ciao | feedback | sales | marketing"
    )
)
# What else they say to everybody, and what absence notes promise: no answer to anything.
POLITE = phrases(
    """
    cannot answer | can't answer | every mail | every email | every message | did you know | happy to help | glad to help | happy to assist | glad to assist | pleased to | happy to answer | glad to answer | love to help | any question |
    further question | more question | other question | have questions | volume of | high volume | longer than | response time | faq | frequently asked |
    help center | help centre | knowledge base | in the meantime | meanwhile | need help | more help | faster | urgent | for invoice | for pric | billing |
    business hours | office hours | working hours | opening hours | ticket | reply to this | rate our | rate your | how did we | survey | follow us |
    when i am | when i'm | when i return | as soon as | upon my return | on my return | get back to | will answer | will reply | will respond | right away | immediately |
    gerne weiter | helfen ihnen | helfen dir | fragen | wartezeit | verzögerung | geöffnet | öffnungszeiten | dringend | telefon | schnellstmöglich | melden uns |
    melde mich | antworte | bearbeit | répondr | réponse | délai | question | retour | urgen | tiempo de respuesta | respond | pregunta | duda | consulta | regres |
    tempi di risposta | rispond | domand | ritorno | tempo de resposta | dúvida | pergunta | vragen | vraag | reactietijd | wachttijd | beantwoord | terug |
    pyta | odpowie | wróc | frågor | svarar | svara | återkommer | spørgsmål | svarer | vender tilbage | spørsmål | tilbake | kysy | vasta | palaa |
    not monitored | unattended | unmonitored | do not reply | don't reply | no-reply | noreply | nicht antworten | joignable | erreichbar | ne pas répondre | no responda | non rispondere |
    não responda | niet beantwoord | niet antwoorden | nie odpowiadać | ikke svare | svara inte | inte svara | svar ikke | ei vasta | älä vasta | neodpov | yanıtlama | не отвечайте |
    bereikbaar | raggiungibil | localizable | contactável | nåbar | træffes | treffes | tavoitettav | dostępn | dostupn | доступ | 対応できません | お答えできません | 連絡できません | 電話 |
    время ответа | ответ | вопрос | верн | ご質問 | 折り返し | 返信 | 回答 | 回复 | 回覆 | 问题 | 답변 | 문의 | 회신 | soru | yanıt | dönüş | otáz | odpov
    """
)
# Words that soften anything, as in "unfortunately it takes longer".
HEDGES = phrases(
    """
    unfortunately | i'm afraid | i am afraid | leider | malheureusement | lamentablemente | lo siento, pero | purtroppo | infelizmente | helaas | niestety | tyvärr | desværre |
    dessverre | valitettavasti | к сожалению | 很抱歉 | 抱歉 | 죄송하지만 | maalesef | bohužel
    """
)
# A wish that holds while somebody is away: "please do not write to me until Monday".
WHILE = phrases(
    """
    while | during | until | till | whilst | before | bis | während | solange | pendant | jusqu'au | jusqu'à | avant | hasta | durante | mientras | antes | fino | finché |
    até | enquanto | tijdens | tot | zolang | podczas | przed | medan | innan | tills | mens | indtil | inntil | før | пока | до
    """
)
# "left the office" is no end.
STAYS = phrases(
    "no longer work on monday | no longer work on tuesday | no longer work on wednesday | no longer work on thursday | no longer work on friday | no longer work on saturday | no longer work on sunday | no longer work on weekend | no longer work on the weekend | arbeite nicht mehr am | arbeite nicht mehr freitags | arbeite nicht mehr montags | "
    "left the office | left his | left her | left their | left a message | left for | left on | left early | verlassen wir | büro verlassen | quitté le bureau"
)
# Somebody is not there any more, or the address is given up.
LEFT = phrases(
    """
    no longer work | no longer with | no longer employed | no longer at | no longer part of | not with the company any | left the company | left the organi |
    left the team | outside the company | i have left | i've left | has left | have left the | have retired | has retired | my last day was | last working day was | last day at | moved on from |
    address is no longer | mailbox is no longer | account is no longer | email is no longer | e-mail is no longer | inbox is no longer | address is not in use |
    nicht mehr tätig | nicht mehr beschäftigt | arbeite nicht mehr | arbeitet nicht mehr | nicht mehr im unternehmen | nicht mehr in unserem | nicht mehr bei uns |
    unternehmen verlassen | firma verlassen | verlag verlassen | redaktion verlassen | ausgeschieden | im ruhestand | adresse ist nicht mehr | postfach ist nicht mehr |
    wird nicht mehr verwendet | ne travaille plus | ne fait plus partie | ne fais plus partie | quitté l'entreprise | quitté la société | quitté notre | quitté mes fonctions |
    n'est plus en poste | adresse n'est plus | ya no trabaj | ya no forma parte | ya no formo parte | dejado la empresa | dejado de trabajar | dejé de trabajar | dejé la empresa |
    dirección ya no | non lavoro più | non lavora più | lasciato l'azienda | non fa più parte | non faccio più parte | indirizzo non è più | não trabalho mais | já não trabalh |
    não trabalha mais | deixou a empresa | deixei a empresa | saí da empresa | não faz mais parte | não faço mais parte | werk niet meer | werkt niet meer | niet meer werkzaam |
    niet langer werkzaam | bedrijf verlaten | uit dienst | nie pracuję już | już nie pracuj | nie pracuje już | odszedł z firmy | odeszła z firmy | odeszłam z firmy |
    odszedłem z firmy | arbetar inte längre | jobbar inte längre | har slutat | inte längre anställd | arbejder ikke længere | er fratrådt | ikke længere ansat |
    ikke længere hos | jobber ikke lenger | arbeider ikke lenger | har sluttet | ikke lenger ansatt | en ole enää töissä | ei ole enää töissä | en työskentele enää |
    ei työskentele enää | больше не работа | уже не работа | уволил | більше не працю | 退職 | 退社しました | 退社いたしました | 离职 | 離職 | 不再任职 | 퇴사 | 퇴직 |
    görevinden ayrıl | görevimden ayrıl | işten ayrıl | už nepracuj | již nepracuj | již zde nepracuj | už zde nepracuj | már nem dolgoz | nu mai lucr | δεν εργάζομαι πλέον
    """
)
LEFT_PAIRS = pairs("nicht mehr & tätig/beschäftigt | artık & çalışm | travaille & plus chez | työskentele & enää")
# A filter keeps our mail until somebody has shown that he is no machine.
CHALLENGE = phrases(
    """
    verify your message | verify your email to | verify your mail | verify yourself | verify that you | prove that you | prove you are | prove you're | you are a human |
    you are human | you're human | you're a human | not a robot | not a bot | confirm that you sent | confirm your message | confirm that you are | confirm you are |
    sender verification | verify your identity | message is being held | message has been held | held until you | waiting for your verification | challenge-response |
    spamarrest | spam arrest | boxbe | to have your message delivered | to deliver your message | approved sender | allowed sender | bestätigen sie ihre nachricht |
    bestätigen sie, dass sie | nachricht zu bestätigen | kein roboter | confirmer votre message | confirmez votre message | prouver que vous | pas un robot |
    confirme su mensaje | confirmar su mensaje | verificar su mensaje | verifique su mensaje | no es un robot | confermare il messaggio | confermi il messaggio |
    conferma il tuo messaggio | non è un robot | confirme a sua mensagem | confirme sua mensagem | confirmar sua mensagem | não é um robô | bevestig uw bericht |
    bevestig je bericht | geen robot | potwierdź swoją wiadomość | potwierdzić swoją wiadomość | nie jesteś robotem | bekräfta ditt meddelande | bekræft din besked |
    bekreft meldingen | vahvista viestisi | подтвердите сообщение | подтвердите, что вы | не робот | potvrďte zprávu | mesajınızı doğrula | 送信者の確認 | 验证您的邮件 | 확인해 주셔야 전달
    """
)
