"""The words of failed deliveries: subjects, senders and leading sentences, as servers of many makers write them.

Tables only; `inbound_bounce` asks them. All phrases are matched against text that was case-folded and squeezed to single
spaces, by plain `in`, so the cost is linear and a new phrase cannot introduce backtracking.
"""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why a server did not deliver, as far as its words tell."""

    UNKNOWN_USER = "unknown-user"
    SUSPENDED = "suspended"
    UNKNOWN_HOST = "unknown-host"
    FULL = "full"
    POLICY = "policy"
    TOO_LARGE = "too-large"
    TRANSIENT = "transient"


def phrases(table: str) -> tuple[str, ...]:
    """The entries, case-folded, of a table that separates them with bars; a table on few lines is easier to check than a column."""
    return tuple(entry for part in table.split("|") if (entry := " ".join(part.split()).casefold()))


DAEMON_LOCALS = frozenset(
    phrases(
        """
    mailer-daemon | mailerdaemon | mailer_daemon | mailer.daemon | mail-daemon | maildaemon | mail.daemon | mdaemon |
    daemon | postmaster | mail-delivery | maildelivery | mail.delivery | mailer | mta | mmdf | uucp | mail-deamon |
    system-administrator | systemadministrator | mailer-deamon | postoffice | mailadmin | mail-admin | mailmaster |
    delivery-failure | deliveryfailure | ndr | bounce | bounces | bounced | bounce-handler | mailsystem | mail-system |
    mail_system | email-daemon | smtp-daemon | post_master | mail-postmaster | x400-postmaster | undeliverable | nondelivery |
    non-delivery | returned-mail | mail-router | smtp-gateway | mail-gateway | autobounce | sysadmin | mailbounce | ndr-daemon
    """
    )
)
DAEMON_LOCAL_STARTS = ("mailer-daemon", "mailerdaemon", "postmaster", "microsoftexchange", "mail-daemon", "mdaemon")
# One of these words in the local part ("Far_AntiVirus_for_SMTP_Gateways") names a program.
DAEMON_LOCAL_WORDS = frozenset(
    phrases(
        """
        smtp | antivirus | virusscan | viruswall | mailserver | mailscan | mailscanner | mailgate | mailgateway |
        imss | spamfilter | mailfilter | virusfilter | mta
        """
    )
)
DAEMON_NAMES = phrases(
    """
    mail delivery | delivery subsystem | mailer-daemon | mailer daemon | mailerdaemon | mail-daemon | postmaster |
    mail system | mail administrator | system administrator | systemadministrator | administrateur système |
    internet mail delivery | delivery system | delivery service | delivery notification | email delivery |
    mail router | mail server | mail gateway | mail deliver system | scanmail | mailscanner | interscan | content-filter | content filter | antivirus | anti-virus | mailsweeper | spam firewall | ironport | returned mail | undeliverable | non-delivery |
    mail daemon | system-administrator | systemadministrator | administrador del sistema | amministratore di sistema |
    administrador do sistema | systeembeheerder | システム管理者 | メール配信システム | почтовая система | メールシステム | 系统管理员 | 邮件系统
    """
)

GREETINGS = frozenset(
    phrases(
        "hello | hi | hey | dear | hallo | liebe | lieber | guten | bonjour | cher | chère | hola | ciao | olá | hej | hei | beste"
    )
)
# Somebody speaks of himself or asks. Daemons do so too, so it only guards the rules that have no other sign of a machine.
PERSON = frozenset(
    phrases(
        """
        i | we | my | our | me | us | her | his | she | he | ? | ich | wir | mein | unser | mir | uns | je | nous | mon | ma | notre |
        yo | mi | nosotros | nuestro | io | noi | mio | nostro | eu | nós | meu | nosso | ik | wij | mijn | ons | я | мы
        """
    )
)
# What somebody writes and no program of a mail system, which says "we", and "Mon" for a day.
SOMEBODY = frozenset(phrases("i | my | she | he | her | his | ich | mein | meine | je | yo | ik | jag | jeg"))
# What may stand beside such a name; with any other word it is somebody's ("Maria Postmaster", a consultancy).
DAEMON_NAME_WORDS = frozenset(
    phrases(
        """
        mail | email | e-mail | delivery | system | subsystem | service | services | agent | administrator | administration |
        the | internet | server | gateway | at | for | of | from | on | by | notification | notifications | notifier | daemon |
        error | errors | automated | automatic | response | mailer | office | account | message | messages | report | reports |
        exchange | microsoft | smtp | mta | security | appliance | scanner | filter | firewall | router | bounce | bounces |
        returned | failure | status | virus | spam | content | admin | team | support | program | software | host | do | not | reply
        """
    )
)

# Subjects that only a report carries. They count only beside another sign of a machine.
SUBJECTS = phrases(
    """
    [bounce] | undeliver | undelivered mail | non-deliver | nondeliver | not deliver | delivery status notification |
    delivery failure | delivery failed | delivery has failed | delivery error | delivery problem |
    delivery notification | delivery report | delivery unsuccessful | delivery incomplete | delivery delayed |
    delivery delay | delayed mail | delivery temporarily | delivery attempt | failure notice | failure notification |
    failure delivery | failed delivery | failed mail | mail failure | mail delivery | message delivery | mail error |
    mail system error | returned mail | returned to sender | returned message | returned email | returned due to |
    return to sender | mail returned | message returned | could not be delivered | could not deliver |
    couldn't be delivered | cannot be delivered | can't be delivered | unable to deliver | not been delivered |
    user unknown | unknown user | unknown recipient | unknown address | mailbox full | mailbox is full | over quota |
    mail bounced | message bounced | bounced mail | bounce message | message you sent blocked |
    considered unsolicited bulk | rejected mail | mail rejected | message rejected | message blocked |
    message not delivered | message status - undeliverable | warning: could not send | warning: message |
    banned or potentially offensive | mail could not | dsn: failed | dsn failed | mdaemon notification |
    mdaemon warning | nachricht konnte nicht | nicht zustellbar | unzustellbar | zustellung fehlgeschlagen |
    unzustellbare | rückläufer | non remis | non distribué | non délivré | echec de la remise | échec de la remise |
    échec de remise | échec d'envoi | notification d'état de remise | no se puede entregar |
    no se ha podido entregar | no entregado | error de entrega | notificación de estado de entrega |
    mancato recapito | non recapitabile | impossibile recapitare | não foi possível entregar | não entregue |
    falha na entrega | falha no envio | niet-bestelbaar | onbestelbaar | kan niet worden bezorgd | niedostarcz |
    nie można dostarczyć | zwrot wiadomości | kunde inte levereras | ikke leveres | olevererbart |
    kunne ikke leveres | toimittaminen epäonnistui | недоставлен | не доставлен | не может быть доставлен | 配信不能 |
    配信できません | 配信エラー | 配送不能 | 送信エラー | 送信できません | メール不達 | 不達通知 | エラー通知 | 退信 | 投递失败 | 投遞失敗 | 无法送达 | 無法傳遞 | 無法投遞 | 未送达 |
    반송 | 배달되지 | teslim edilemedi | iletilemedi | doručení se nezdařilo | nedoručiteln | nicht zugestellt | zustellung nicht |
    zustellfehler | zustellungsfehler | zurückgewiesen | fehler bei der zustellung | problème de remise |
    message refusé | retour de courrier | courrier non | erreur de livraison | erreur d'envoi | mensaje devuelto |
    devolución de | error en la entrega | fallo en la entrega | entrega fallida | no entregad | no se pudo entregar |
    mancata consegna | consegna non riuscita | consegna fallita | messaggio respinto | messaggio non consegnato |
    impossibile consegnare | entrega falhou | mensagem devolvida | erro na entrega | não pôde ser entregue |
    niet worden afgeleverd | niet worden bezorgd | niet afgeleverd | bezorging mislukt | nie została dostarczona |
    błąd dostarczenia | nie dostarczono | nie można było dostarczyć | kunde ej levereras | ej levererat |
    leveransfel | kan ikke leveres | ikke leveret | leveringsfejl | leveringsfeil | ei voitu toimittaa |
    toimitus epäonnistui | не доставлено | не удалось доставить | ошибка доставки | не было доставлено |
    возвращено | не может быть отправлено | письмо не доставлено | 配送でき | 送信失敗 | 配信障害 | 届きません | 届けでき | 返送 |
    エラーメール | 未達 | 投递错误 | 发送失败 | 發送失敗 | 退回 | 无法投递 | 投递状态 | 전송 실패 | 발송 실패 | 전송되지 | 전달되지 | 배달 실패 |
    teslimat başarısız | gönderilemedi | se nepodařilo doručit | nebyla doručena | kézbesíthetetlen | nem kézbesíthető |
    sikertelen kézbesítés | nu a putut fi livrat | nelivrat | δεν παραδόθηκε | αδύνατη η παράδοση | no such person |
    message has been blocked | message was blocked | email has been blocked | email was blocked | nachricht wurde blockiert | mail wurde blockiert | message a été bloqué | mensaje ha sido bloqueado |
    messaggio bloccato | mensagem foi bloqueada | bericht is geblokkeerd | wiadomość została zablokowana | failed to send | error sending your mail | message not sent | message failed | mail failed | email failed |
    transmission failed | could not send | sorry, your message | delivery notice | delivery refused
    """
)

# Sentences in which a server says that it failed. They count only beside other signs of a machine.
LEADS = phrases(
    """
    could not be delivered | couldn't be delivered | cannot be delivered | can not be delivered | can't be delivered |
    was not delivered | wasn't delivered | were not delivered | not be delivered | not been delivered |
    has not yet been delivered | not yet been delivered | not yet delivered | will not be delivered |
    has been delayed | unable to deliver | wasn't able to deliver | was not able to deliver | not able to deliver |
    could not deliver | couldn't deliver | cannot deliver | failed to deliver | failed to reach | did not reach |
    couldn't reach | could not reach | undeliverable | undelivered | delivery failed | delivery has failed |
    delivery to the following recipient | delivery of the following message | delivery attempts | delivery status |
    permanent fatal error | transient non-fatal errors | permanent error | fatal error | unrecoverable error |
    non-recoverable error | the following address | following recipient | following error | returned to sender |
    was refused by | returned to you | is being returned | has been returned | bounced | user unknown | unknown user |
    unknown local part | no such user | no such recipient | unknown recipient | unrouteable address |
    mailbox unavailable | mailbox is full | mailbox full | over quota | quota exceeded | does not exist |
    doesn't exist | not found in | rejected by | was rejected | automatically rejected | has been rejected | message rejected | host unknown |
    not be sent | could not send | couldn't send | not listed in | reason for the failure | reason of failure |
    error message below | generated by the mail system | created automatically by mail delivery software |
    transcript of session follows | was not accepted | konnte nicht zugestellt | konnten nicht zugestellt |
    nicht zugestellt werden | konnte nicht übermittelt | n'a pas pu être | n'a pu être | n'a pas été remis |
    n'ont pas été remis | échec de la remise | no se pudo entregar | no se ha podido entregar |
    no ha podido ser entregado | no pudo ser entregado | non è stato recapitato | non è stato possibile recapitare |
    impossibile recapitare | não foi possível entregar | não pôde ser entregue | não foi entregue | kon niet worden |
    kan niet worden bezorgd | nie może być dostarczona | nie została dostarczona | kunde inte levereras |
    kunne ikke leveres | не может быть доставлен | не было доставлено | не удалось доставить | не доставлено |
    недоставлен | 配信できません | 配信できませんでした | 配信されません | 送信できませんでした | 送信できません | 届けできません | 届けることができ | お届けでき | 送達できません |
    宛先不明 | 宛先が見つかりません | メールアドレスが見つかり | メールアドレスは存在 | 無法傳遞 | 无法投递 | 投递失败 | 无法送达 | 被退回 | 전달되지 | 배달할 수 없 |
    teslim edilemedi | iletilemedi | nelze doručit | nepodařilo se doručit | se nepodařilo doručit | did not receive |
    trouble delivering | problem delivering | be delivered to | non-deliverable | nondeliverable | returned mail |
    rejected recipient | has not been delivered | not delivered | was blocked | has been blocked | have been blocked |
    it was not delivered | no valid recipients | failed addresses | receiver not found | the following recipients |
    nicht erreicht | nicht zugestellt | nicht zugestellt werden | n'a pas été transmis | n'est pas parvenu |
    n'ai pas pu remettre | n'a pas été distribué | n'a pas pu | no llegó a | no se ha entregado | no se entregó |
    non è stato consegnato | non è stato possibile | non è arrivato | recapito non riuscito | falha na entrega |
    não chegou | não foi possível | kon niet | is niet afgeleverd | bezorging aan | is mislukt | nie udało się |
    nie mogła zostać | nie dotarła | gick inte att leverera | kunde ej | blev ikke leveret | ble ikke levert |
    ei voitu toimittaa | не может быть отправлено | не доставлен | невозможно доставить | 配送できません | 届きません | 配信に失敗 | 送信に失敗 |
    配信されません | 宛先が存在 | 投递失敗 | 無法送達 | 无法送到 | 未能送达 | 退回 | 전송되지 못 | 반송되 | 전송에 실패 | 배달되지 못 | nem sikerült |
    nem kézbesíthető | nu a putut fi | δεν ήταν δυνατή | could not be sent | couldn't be sent | failed to send
    """
)

# Words of a report about a message that is still on its way.
DELAY = phrases(
    """
    warning message only | warning only | you do not need to resend | do not need to resend | not yet been delivered |
    has not been delivered yet | still being retried | will be retried | will keep trying | will continue to try |
    delivery attempts will continue | delivery has been delayed | delivery is delayed | delivery delayed |
    has been delayed | will retry | no action is required | there is a temporary problem |
    temporary problem delivering | delivery incomplete | transient non-fatal | verzögert | retardé | retrasado |
    vertraagd | noch nicht zugestellt | zustellversuche werden fortgesetzt | pas encore été remis | pas encore été distribué | todavía no se ha entregado | aún no se ha entregado |
    non è ancora stato consegnato | non è stato ancora consegnato | ainda não foi entregue | nog niet bezorgd | nog niet afgeleverd | jeszcze nie została dostarczona | ännu inte levererat |
    endnu ikke leveret | ennå ikke levert | ещё не доставлено | еще не доставлено | まだ配信 | 尚未送达 | henüz teslim edil
    """
)

# A line that says: below this, the report returns what was sent.
ORIGINAL_MARKS = phrases(
    """
    copy of the message | original message | original mail | message header | returned message | message follows |
    message headers follow | headers follow | header follows | undelivered message | unsent message |
    message text follows | included below | begin message | failed message | rejected message | copy of your message |
    the first few lines | the header of the original | ursprüngliche nachricht | originalnachricht |
    message d'origine | mensaje original | messaggio originale | mensagem original | oorspronkelijk bericht |
    исходное сообщение | 元のメッセージ | 原始邮件
    """
)
