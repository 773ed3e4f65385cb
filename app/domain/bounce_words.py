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
    failed to send | error sending your mail | message not sent | message failed | mail failed | email failed |
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
    returned to you | is being returned | has been returned | bounced | user unknown | unknown user |
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

# Asked in this order; the first table with a hit gives the reason.
REASONS: tuple[tuple[Reason, tuple[str, ...]], ...] = (
    # A program of the server failed; its output ("not found") is not about the address.
    (Reason.TRANSIENT, phrases("command died | command output | /bin/sh: | /procmail: | mailer (prog)")),
    (
        # These speak of the sender although they share words with "address rejected".
        Reason.POLICY,
        phrases(
            """
            sender address rejected | sender rejected | sender denied | blocked using | spamhaus | spam message |
            spam detected | defers and failures per hour | relaying denied | relay access denied | unable to relay | relay not permitted |
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
            メールボックスがいっぱい | 邮箱已满 | 邮箱空间不足 | 信箱已滿 | 容量超過 | 容量が一杯 | 容量がいっぱい | 容量不足 | 保存容量 | 信箱已满 |
            信箱空間 | 邮箱容量 | 郵箱已滿 | 已满 | 已滿 | 용량 초과 | 용량이 초과 | 용량을 초과 | 가득 | exceeds allowed size |
            mailbox exceeds | exceeded the local limit | over the allowed quota | over the maximum allowed | exceeds quota |
            exceeded the quota | full mailbox | mailbox limit | out of quota | quota has been | is full. | is full ( |
            inbox full | postfach des empfängers ist voll | postfachs voll | empfängers voll | postfach überfüllt | quota überschritten |
            speicherplatz | kontingent | destinataire est pleine | est pleine | quota dépassé | est saturée | está lleno |
            está llena | buzón completo | cuota excedida | superado la cuota | caixa de correio está cheia | está cheia |
            cota excedida | quota superata | esaurito lo spazio | agotado el espacio | plus d'espace | è piena | ha superato la quota | postvak vol | is vol | quotum | przepełnion |
            jest pełna | brak miejsca | är full | er fuld | er full | täynnä | переполнен | превышена квота | превысил квоту |
            ящик заполнен | kutusu dolu | kota aşıl | schránka je plná | plná schránka | postafiók megtelt | betelt |
            γραμματοκιβώτιο είναι πλήρες
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
            bad destination mailbox | bad address syntax | bad recipient |
            unrouteable address | unroutable address | unrouteable mail domain | unresolvable address |
            address rejected | recipient rejected | recipient address rejected | recipient is not local |
            recipient not accepted | recipnotfound | adr.exrecipnotfound | can't create user output file |
            can't find | cannot find your recipient | mailbox cannot be found | user has moved | has moved |
            has left | prohibited by administrator, user | adresse inconnue | utilisateur inconnu |
            destinataire inconnu | empfänger unbekannt | unbekannter empfänger | benutzer unbekannt |
            adresse existiert nicht | existiert nicht | usuario desconocido | no existe | utente sconosciuto |
            non esiste | não existe | usuário desconhecido | bestaat niet | nie istnieje | finns inte |
            не существует | нет такого пользователя | не найден | 宛先不明 | 存在しません | 見つかりません | ユーザーが存在しない | 不存在 | 收件人地址 |
            존재하지 | 없는 사용자 | 알 수 없는 | 없는 계정 | bulunamadı | böyle bir kullanıcı | kullanıcı yok | neexistuje | is disabled |
            account that you tried to reach is | user inactive | user is inactive | does not have an account | no valid recipients |
            not provisioned | no such subscriber | not a subscriber | invalid destination address | invalid subscriber |
            address couldn't be found | address could not be found | recipient name is not recognized | not recognized |
            not local | is not a valid | not valid recipient | wrong address | incorrect address | unrecognised o/r name |
            unrecognized o/r name | has ceased | no recipient | no valid recipient | no longer monitored | inactivity | nonexistent user |
            non-existent user | nonexistent | non-existent | never existed | undefined recipient | undefined user | unknown-user |
            user_unknown | user_not_found | invalid_recipient | recipient_not_found | ist unbekannt | nicht vorhanden |
            nicht gefunden | unbekannte adresse | unbekannter | ungültige adresse | kein benutzer | nicht bekannt | n'existe pas |
            introuvable | inconnue | inexistante | n'est pas valide | adresse incorrecte | destinatario no existe |
            no se ha encontrado la dirección | no se encontró | no encontrad | inexistente | dirección no válida | desconocid |
            sconosciuto | sconosciuta | non esistente | non trovato | indirizzo non valido | endereço não encontrado |
            não foi encontrado | não encontrado | desconhecido | onbekende gebruiker | onbekend | ongeldig adres | nieznany |
            nie ma takiego | nieprawidłowy adres | är okänd | okänd mottagare | okänd användare | hittades inte | ukendt bruger |
            er ukendt | findes ikke | ukjent | finnes ikke | tuntematon | ei löydy | не зарегистрирован | неизвестный получатель |
            неизвестный пользователь | неизвестен | отсутствует пользователь | неверный адрес | 存在し | 見つかりま | アドレス不明 | 宛先が不明 | 不明なユーザー |
            不明なあて先 | あて先が不明 | 该用户 | 查无此人 | 用户不存在 | 用戶不存在 | 无此用户 | 地址错误 | 帐号不存在 | 不存在 | neznám | ismeretlen |
            nem létezik | nu există | inexistent | άγνωστος | δεν υπάρχει
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
            illegal host/domain name | no route to host name | has no mail exchanger | no mail server | any host named |
            non-existent host | nonexistent host | nonexistent domain | non-existent domain | domain unknown | domain is unknown |
            destination computer was not found | domain is not valid | bad domain | no a record | no address record |
            name service error | ドメインが存在 | ドメインが見つかり | 域名不存在 | domain isn't | domain nicht gefunden | domaine inconnu |
            dominio no existe | domínio não | dominio inesistente
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
            administrative prohibition | administratively | 迷惑メール | 受信拒否 | 拒否 | 拒收 | 垃圾邮件 | 垃圾郵件 | 스팸 | 수신 거부 |
            may not have permission | have permission to post | violates | blocked by | was blocked | black-list | greylist denied |
            complaints | dt:spm | will not accept delivery | listed by | in our block | block-list | denied by | sender verify failed | sender verification |
            verify sender | message looks like | suspicious | phishing | ube | uce | refused due to | not accepted for |
            rejected by policy | contenu refusé | refusé par | rechazado por | rifiutato | recusad | abgelehnt | zurückgewiesen |
            geblockt | odrzucon | отклонен | отказано | спам | заблокирован
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
            timed out | timeout | time out | connection refused | connection reset | connection lost | lost connection |
            connection dropped | connection was dropped | connection closed | could not connect | couldn't connect |
            unable to connect | cannot connect | no route to host | network is unreachable | network error |
            host is unreachable | host not reachable | did not respond | didn't respond | not responding |
            no answer from host | try again | try later | temporar | delayed | deferred | retry time | retry timeout |
            expired | been in the queue | been on the queue | on the queue too long | queue too long | too old |
            greylist | graylist | rate limit | too many connections | too many recipients | too many messages |
            service unavailable | service not available | system not accepting | local error | mail loop | too many hops |
            will be retried | still trying | still being retried | lookup failure | name server | read error |
            resources | system error | i/o error | command died | mailer error | mail forwarding loop | loops back |
            routing loop | loop detected | hop count | too many received | not reachable within | was not reachable |
            unreachable | could not be contacted | failed 20 attempts | delivery attempts were | maximum delivery attempts | attempts: | queue period |
            queue lifetime | maximum retry | retry limit | given up after | failing for a long time | configuration error | misconfigured |
            unable to establish | wasn't able to establish | couldn't establish | lookup failed | try resending | try to resend | while being processed | error while processing |
            zeitüberschreitung | nicht erreichbar | vorübergehend | délai | temporairement | tiempo de espera |
            temporalmente | temporaneamente | tempo esgotado | tijdelijk | tymczasow | tillfällig | midlertidig |
            временно | 一時的 | タイムアウト | 超时 | 稍后 | 일시적
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
