"""The words around quotes and signatures, as mail programs in many languages write them. Tables only."""

from __future__ import annotations

from app.domain.bounce_words import phrases

# Ends (or middles) of the line above a quote: "Anna wrote:".
WROTE = phrases(
    """
    wrote | writes | schrieb | hat geschrieben | geschrieben | a écrit | a ecrit | écrit | ha escrito | escribió | escribio | ha scritto | scrive | scritto |
    escreveu | escrito | schreef | geschreven | heeft geschreven | napisał | napisała | napisał(a) | pisze | skrev | skrev följande | skrev følgende |
    kirjoitti | napsal | napsala | napísal | napísala | írta | ezt írta | a scris | написал | написала | написал(а) | писал | пише | написав | пишет |
    έγραψε | yazdı | şunu yazdı | şöyle yazdı | napisao | je napisal | je napisao | rašė | rakstīja | kirjutas | skrifaði | đã viết | menulis | のメール | さんは書きました |
    書きました | さんのメッセージ | 写道 | 寫道 | 於 | 작성 | 님이 작성 | 썼습니다 | כתב | כתבה | كتب
    """
)
# Starts of such a line.
ATTRIBUTION_STARTS = phrases(
    """
    on | am | le | el | il | em | op | w dniu | dnia | den | dne | ons | man | tir | tor | fre | lør | søn | mån | tis | lör | sön | vào | pada | ke | ma | ti | to | pe | la | su |
    at | in data | in article | στις | с | от | пн | вт | ср | чт | пт | сб | вс | tarihinde | it | po | út | st | čt | pá | so | ne | pon. | wt. | śr. | czw. | pt. | sob. | niedz. | lun | lun. | mar. | mer. | jeu. | ven. | sam. | dim. | mo. | di. | mi. | do. | fr. | sa.
    """
)
SEPARATORS = phrases(
    """
    original message | original email | forwarded message | forwarded by | reply message | reply above this line | weitergeleitete nachricht |
    ursprüngliche nachricht | originalnachricht | original-nachricht | ursprungliche nachricht | urspr. nachricht | message d'origine | message original |
    message transféré | mensaje original | mensaje reenviado | messaggio originale | messaggio inoltrato | mensagem original | mensagem encaminhada |
    oorspronkelijk bericht | origineel bericht | doorgestuurd bericht | wiadomość oryginalna | oryginalna wiadomość | wiadomość przekazana |
    ursprungligt meddelande | originalmeddelande | vidarebefordrat meddelande | oprindelig meddelelse | opprinnelig melding | videresendt melding |
    alkuperäinen viesti | původní zpráva | původní e-mail | pôvodná správa | eredeti üzenet | mesaj original | исходное сообщение | пересылаемое сообщение |
    пересланное сообщение | оригінальне повідомлення | αρχικό μήνυμα | orijinal ileti | orijinal mesaj | özgün ileti | izvorna poruka | 元のメッセージ | 転送メッセージ |
    原始邮件 | 原始郵件 | 转发邮件 | 原文 | 원본 메시지 | 원본 메일 | הודעה מקורית
    """
)
# The labels of the header block that Outlook puts above a quote.
FROM_LABELS = phrases(
    "from | von | de | da | van | od | från | fra | lähettäjä | från | feladó | de la | от | від | από | kimden | gönderen | šalje | 差出人 | 送信者 | 发件人 | 寄件者 | 보낸 사람 | 보낸사람 | מאת"
)
OTHER_LABELS = phrases(
    """
    sent | date | to | cc | subject | reply-to | gesendet | datum | an | betreff | envoyé | envoyé le | date | à | objet | enviado | enviado el | fecha | para | asunto | assunto | data |
    inviato | a | oggetto | verzonden | aan | onderwerp | wysłano | do | temat | skickat | till | ämne | sendt | dato | til | emne | lähetetty | vastaanottaja | aihe | odesláno | komu |
    předmět | predmet | küldve | címzett | tárgy | trimis | către | subiect | отправлено | дата | кому | тема | надіслано | στάλθηκε | προς | θέμα | gönderildi | kime | konu |
    送信日時 | 日時 | 宛先 | 件名 | 发送时间 | 日期 | 收件人 | 主题 | 寄件日期 | 收件者 | 主旨 | 보낸 날짜 | 날짜 | 받는 사람 | 받는사람 | 제목
    """
)
MOBILE = phrases(
    """
    sent from my | sent from mail for | sent from outlook | sent from yahoo | sent from proton | sent with proton | sent from samsung | sent via | get outlook for | sent on the go |
    von meinem iphone | von meinem ipad | von meinem smartphone | von meinem mobil | gesendet von | gesendet mit | von mail für | diese nachricht wurde von meinem |
    envoyé de mon | envoyé depuis | envoyé à partir | télécharger outlook | obtenez outlook | enviado desde mi | enviado desde | obtener outlook | inviato da | inviato dal mio | scarica outlook | enviado do meu |
    enviado de meu | enviado via | obter o outlook | verzonden vanaf | verstuurd vanaf | verzonden met | outlook voor | wysłane z | wysłano z | pobierz aplikację outlook | skickat från | hämta outlook | sendt fra |
    lähetetty | hanki outlook | odesláno z | отправлено с | отправлено из | iphoneから送信 | 从我的 | 发自我的 | 傳送自 | 나의 iphone에서 보냄 | iphone'umdan gönderildi
    """
)
CLOSINGS = phrases(
    """
    best regards | kind regards | warm regards | regards | best wishes | all the best | best | many thanks | cheers | sincerely | yours sincerely | yours truly | thanks | thank you | thanks again |
    thanks and regards | with kind regards | with best regards | warmly | take care | talk soon | rgds | br | yours | respectfully | kindest regards |
    mit freundlichen grüßen | mit freundlichen grüssen | freundliche grüße | freundliche grüsse | viele grüße | beste grüße | liebe grüße | herzliche grüße | schöne grüße | mfg | lg | vg | gruß | grüße |
    cordialement | bien cordialement | bien à vous | salutations | meilleures salutations | sincères salutations | amicalement | bonne journée | merci | saludos | un saludo | saludos cordiales | atentamente | cordialmente | un abrazo | gracias |
    cordiali saluti | distinti saluti | saluti | un saluto | grazie | a presto | atenciosamente | atentamente | cumprimentos | com os melhores cumprimentos | abraços | abraço | obrigado | obrigada |
    met vriendelijke groet | met vriendelijke groeten | vriendelijke groet | vriendelijke groeten | groet | groeten | mvg | bedankt | pozdrawiam | z poważaniem | z wyrazami szacunku | pozdrowienia | dziękuję |
    med vänliga hälsningar | vänliga hälsningar | med vänlig hälsning | vänligen | hälsningar | mvh | tack | med venlig hilsen | med vennlig hilsen | venlig hilsen | vennlig hilsen | hilsen | tak | takk | ystävällisin terveisin | terveisin | terveiset | kiitos |
    с уважением | с наилучшими пожеланиями | спасибо | s pozdravem | s přáním hezkého dne | děkuji | üdvözlettel | köszönettel | cu stimă | cu respect | mulțumesc | saygılarımla | saygılar | iyi çalışmalar | teşekkürler |
    με εκτίμηση | よろしくお願いいたします | よろしくお願いします | 以上、よろしくお願いいたします | 敬具 | 此致 | 祝好 | 谢谢 | 顺祝商祺 | 감사합니다 | 드림
    """
)
# Closings that are also whole answers; they end a text only when few short lines follow.
THANKS = frozenset(
    phrases(
        "thanks | thank you | thanks again | many thanks | merci | gracias | grazie | obrigado | obrigada | bedankt | dziękuję | tack | tak | takk | kiitos | спасибо | děkuji | teşekkürler | 谢谢 | 감사합니다 | cheers | best | yours"
    )
)
