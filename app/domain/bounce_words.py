"""The words of failed deliveries: subjects, senders, leading sentences and reasons, as servers of many makers write them.

Tables only; `inbound_bounce` asks them. All phrases are matched against text that was case-folded and squeezed to single
spaces, by plain `in`, so the cost is linear and a new phrase cannot introduce backtracking.
"""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why a server did not deliver, as far as its words tell."""

    UNKNOWN_USER = "unknown-user"
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
    mail_system | email-daemon | smtp-daemon
    """
    )
)
DAEMON_LOCAL_STARTS = ("mailer-daemon", "mailerdaemon", "postmaster", "microsoftexchange", "mail-daemon", "mdaemon")
DAEMON_NAMES = phrases(
    """
    mail delivery | delivery subsystem | mailer-daemon | mailer daemon | mailerdaemon | mail-daemon | postmaster |
    mail system | mail administrator | system administrator | systemadministrator | administrateur système |
    internet mail delivery | delivery system | delivery service | delivery notification | email delivery |
    mail router | mail server | mail gateway
    """
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
    반송 | 배달되지 | teslim edilemedi | iletilemedi | doručení se nezdařilo | nedoručiteln
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
    returned to you | is being returned | has been returned | bounced | user unknown | unknown user |
    unknown local part | no such user | no such recipient | unknown recipient | unrouteable address |
    mailbox unavailable | mailbox is full | mailbox full | over quota | quota exceeded | does not exist |
    doesn't exist | not found in | rejected by | was rejected | has been rejected | message rejected | host unknown |
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
    teslim edilemedi | iletilemedi | nelze doručit | nepodařilo se doručit
    """
)

# Asked in this order; the first table with a hit gives the reason.
REASONS: tuple[tuple[Reason, tuple[str, ...]], ...] = (
    (
        # These speak of the sender although they share words with "address rejected".
        Reason.POLICY,
        phrases(
            """
            sender address rejected | sender rejected | sender denied | blocked using | spamhaus | spam message |
            spam detected | relaying denied | relay access denied | unable to relay | relay not permitted |
            relaying not allowed | not permitted to relay | client host rejected | no relaying | authrequired |
            considered spam | identified as spam | classified as spam | looks like spam | likely spam | as spam
            """
        ),
    ),
    (
        Reason.FULL,
        phrases(
            """
            mailbox full | mailbox is full | mailbox for user is full | mail box full | mail box is full |
            inbox is full | mailbox quota | quota exceed | exceeded quota | over quota | overquota | over the quota |
            over his quota | over its quota | over disk quota | overdisk | quotum | disk quota | storage quota |
            exceeded storage allocation | exceeded the storage | exceeded its storage | exceeded his/her quota |
            exceeds allowed quota | exceed mailbox | exceeded mailbox | mailbox size limit | mailbox has exceeded |
            maximum storage | insufficient disk space | insufficient system storage | not enough storage space |
            out of storage space | user is over | is over quota | mailfolder is full | folder is full |
            account is full | user's mailbox is full | too many messages in mailbox | delivery failed: over |
            postfach voll | postfach ist voll | boîte aux lettres est pleine | boîte pleine | buzón lleno |
            buzón está lleno | casella piena | casella di posta è piena | caixa postal cheia |
            caixa de entrada cheia | postvak is vol | mailbox vol | skrzynka pełna | переполнен | 容量を超え | 容量オーバー |
            メールボックスがいっぱい | 邮箱已满 | 邮箱空间不足 | 信箱已滿
            """
        ),
    ),
    (
        Reason.UNKNOWN_USER,
        phrases(
            """
            user unknown | unknown user | unknown account | unknown recipient | unknown address | unknown local part |
            unknown local-part | unknown mailbox | unknown or illegal alias | unknown or illegal user |
            unknown email address | address unknown | recipient unknown | addressee unknown | account unknown |
            mailbox unknown | no such user | no such recipient | no such mailbox | no such account | no such person |
            no such address | no such local user | no such domain user | no mailbox | no mail box |
            no account by that name | no recipients | no user | not a known user | not a valid mailbox |
            not a valid recipient | not a valid user | not a local user | not a user | not our customer |
            not listed in | not found in directory | name not found | mailbox not found | user not found |
            recipient not found | recipientnotfound | address not found | account not found | is not found |
            wasn't found at | couldn't be found | could not be found | isn't found | user does not exist |
            user doesn't exist | account does not exist | account that you tried to reach does not exist |
            account doesn't exist | mailbox does not exist | recipient does not exist | address does not exist |
            email address doesn't exist | does not exist here | doesn't have a | does not have an email |
            no longer available | no longer valid | no longer exist | no longer in use | no longer active |
            no longer accepts | no longer on server | no longer with | mailbox unavailable | mailbox not available |
            mailbox disabled | mailbox is disabled | mailbox is inactive | mailbox temporarily disabled |
            mailbox currently suspended | account disabled | account is disabled | account has been disabled |
            account inactive | account is inactive | account closed | account suspended | account has been suspended |
            account expired | inactive user | inactive recipient | user is inactive | user disabled | user suspended |
            user is suspended | user is terminated | this user doesn't have | invalid recipient | invalid mailbox |
            invalid address | invalid user | invalid final delivery userid | invalid local part | illegal user |
            bad destination mailbox | bad address syntax | bad recipient | undeliverable address |
            unrouteable address | unroutable address | unrouteable mail domain | unresolvable address |
            address rejected | recipient rejected | recipient address rejected | recipient is not local |
            recipient not accepted | recipnotfound | adr.exrecipnotfound | can't create user output file |
            can't find | cannot find your recipient | mailbox cannot be found | user has moved | has moved |
            has left | prohibited by administrator, user | adresse inconnue | utilisateur inconnu |
            destinataire inconnu | empfänger unbekannt | unbekannter empfänger | benutzer unbekannt |
            adresse existiert nicht | existiert nicht | usuario desconocido | no existe | utente sconosciuto |
            non esiste | não existe | usuário desconhecido | bestaat niet | nie istnieje | finns inte |
            не существует | нет такого пользователя | не найден | 宛先不明 | 存在しません | 見つかりません | ユーザーが存在しない | 不存在 | 收件人地址 |
            존재하지 | bulunamadı | neexistuje
            """
        ),
    ),
    (
        Reason.UNKNOWN_HOST,
        phrases(
            """
            host unknown | unknown host | host not found | host or domain name not found | domain not found |
            domain does not exist | domain doesn't exist | domain couldn't be found | domain could not be found |
            no such domain | no such host | no mx | name or service not known | dns error | dns hard error |
            nxdomain | domain name not found | invalid domain | unknown domain | unrouteable mail domain |
            domain must resolve | bad destination system | null mx | does not accept mail | doesn't accept mail |
            illegal host/domain name | no route to host name | has no mail exchanger | no mail server
            """
        ),
    ),
    (
        Reason.POLICY,
        phrases(
            """
            spam | junk mail | unsolicited | blacklist | black list | blocklist | block list | blocked | banned |
            blackholed | listed at | listed in dns | dnsbl | by rbl | spamhaus | spamcop | barracudacentral |
            reputation | dmarc | dkim | spf | spf check | sender policy | policy | policies | not authorized |
            not authorised | unauthenticated | authentication required | authrequired | access denied | accessdenied |
            permission to send | do not have permission | not permitted | not allowed | prohibited | restricted |
            relay | virus | content rejected | message content | content filter | message refused |
            message rejected due to | abuse | reverse dns | ptr record | rdns | sender rejected |
            sender address rejected | sender denied | bad reputation | client host rejected |
            administrative prohibition | administratively | 迷惑メール | 受信拒否 | 拒否 | 拒收 | 垃圾邮件
            """
        ),
    ),
    (
        Reason.TOO_LARGE,
        phrases(
            """
            message too large | message is too large | message size exceeds | size exceeds | exceeds size limit |
            exceeds maximum message size | exceeds fixed maximum | exceeded maximum message size | message too big |
            too big for | message length exceeds | larger than the current system limit
            """
        ),
    ),
    (
        Reason.TRANSIENT,
        phrases(
            """
            timed out | timeout | time out | connection refused | connection reset | connection lost |
            connection dropped | connection was dropped | connection closed | could not connect | couldn't connect |
            unable to connect | cannot connect | no route to host | network is unreachable | network error |
            host is unreachable | host not reachable | did not respond | didn't respond | not responding |
            no answer from host | try again | try later | temporar | delayed | deferred | retry time | retry timeout |
            expired | been in the queue | been on the queue | on the queue too long | queue too long | too old |
            greylist | graylist | rate limit | too many connections | too many recipients | too many messages |
            service unavailable | service not available | system not accepting | local error | mail loop | too many hops |
            will be retried | still trying | still being retried | lookup failure | name server | read error |
            resources | system error | i/o error
            """
        ),
    ),
)

# Words of a report about a message that is still on its way.
DELAY = phrases(
    """
    warning message only | warning only | you do not need to resend | do not need to resend | not yet been delivered |
    has not been delivered yet | still being retried | will be retried | will keep trying | will continue to try |
    delivery attempts will continue | delivery has been delayed | delivery is delayed | delivery delayed |
    has been delayed | will retry | no action is required | there is a temporary problem |
    temporary problem delivering | delivery incomplete | transient non-fatal | verzögert | retardé | retrasado |
    vertraagd
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
