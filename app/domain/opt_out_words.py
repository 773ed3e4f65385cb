"""How people in some twenty languages ask to be left alone, and what they say when they do not mean that. Tables only.

"a/b & c" holds for a sentence in which the word a or b is followed by c, with at most two other words between them. A word
stands for itself; with a star for every word that begins with it. The scripts without spaces match anywhere, in this order.
"""

from __future__ import annotations

from app.domain.bounce_words import phrases
from app.domain.intent_words import pairs

# A line that is nothing else.
WHOLE = frozenset(
    phrases(
        """
        stop | stop it | please stop | stop please | stop now | stop emailing | stop mailing | remove | please remove |
        unsubscribe | unsubscribe me | unsubscribe please | please unsubscribe | unsub | please unsub | unsub please | please stop emailing | please stop mailing | please stop writing | please stop contacting | opt out | opt-out | optout | take me off | not interested | no interest | remove me please |
        stopp | bitte stoppen | abmelden | austragen | kein interesse | arrêtez | arretez | stop svp | désabonner |
        désinscription | désinscrire | desinscription | pas intéressé | pas intéressée | parar | baja | darme de baja | desuscribir | desuscribirme | cancelar |
        no me interesa | cancellami | cancellatemi | disiscrivimi | non interessato | non interessata | pare | descadastrar | descadastre |
        sem interesse | afmelden | uitschrijven | geen interesse | geen belangstelling | wypisz | wypisz mnie | rezygnuję |
        nie jestem zainteresowany | nie jestem zainteresowana | avregistrera | avsluta | ej intresserad | inte intresserad | avmeld |
        afmeld | ikke interessert | ikke interesseret | отписаться | отпишите | отписка | стоп | не интересно | не интересует |
        配信停止 | 停止 | 退订 | 取消订阅 | 不感兴趣 | 拒收 | 수신거부 | 수신 거부 | odhlásit | nemám zájem | leiratkozás | dezabonare | abonelikten çık
        """
    )
)

# Whoever says this can hardly mean anything else.
SURE = pairs(
    """
    unsubscribe & me/us/my/our/this/from | please/to & unsubscribe | opt me out/opt us out/opting out/i opt out | to opt out |
    remove/delete/erase/strike & me/us | remove/delete/erase/strike/take & my/our/this/the & address/email/e-mail/name/data/details/contact/addresses/inbox/mailbox |
    remove/delete/erase/strike & my/our & information/personal/records/info | take & me/us & off/out |
    stop & emailing/e-mailing/mailing/contacting/writing/messaging/spamming/pestering/bothering & me/us/to me/to us/this/here |
    stop & sending & me/us/these/this/emails/e-mails/mails/messages/them | is spam & stop |
    don't/do not/dont/never/not to/must not & contact/email/e-mail/mail/message/write/write to/call/reach out to/bother/approach & me/us/this address/this mailbox/again |
    don't/do not/dont/never/not to & send & me/us & more/further/another/again/emails/e-mails/mails/messages/mail/anything |
    don't/do not/dont/never & get in touch/reach out/be in touch & again/anymore/any | not & agree/consent & contacted/emails/receive/mails |
    leave me alone/leave us alone/leave me in peace/not interested/gdpr request/no longer wish/off your list/off your mailing list/off this list/off whatever list |
    don't/do not & follow up | have no interest/no interest in/not of interest | lose & my/our & address/email/e-mail/contact | not/don't & receive anything/hear anything | take & this/that & address/email/mailbox & out/off | no permission & store/keep/use & my | stopped & sending/emailing/mailing/writing & me/us/these/this | no more/no further/not any more & emails/e-mails/mails/messages/outreach/pitches/contact | no more of & mails/emails/these |
    don't want/do not want/no longer want/not wish/don't wish & receive/emails/mails/messages/contacted/hear from/be contacted |
    refrain from/cease & sending/contacting/emailing/writing/further/all | object to & processing/use of my |
    cease and desist & from/contact*/email*/sending | delete/erase & data/information/records & about/on & me/us |
    melden sie mich ab/bitte abmelden/möchte mich abmelden/bitte austragen/tragen sie mich aus/tragen sie uns aus/trag mich aus |
    nehmen/nimm/nehmt/streichen/streich/streicht/entfernen/entferne/löschen/lösche/tragen & mich/uns/meine adresse/unsere adresse/meine e-mail/meine mail/meine daten/unsere daten & aus/von |
    streichen/entfernen/löschen/lösch/lösche/entferne/nehmen & sie/bitte/du/ihr & mich/uns/meine/unsere |
    mich/uns/meine adresse/unsere adresse & verteiler/ihrer liste/mailingliste/datenbank & streichen/entfernen/nehmen/löschen/herausnehmen |
    sehen sie/bitte sehen/von weitere* & weitere*/kontaktaufnahme*/zusendung*/mails & ab/abzusehen/absehen | wünsche/wünschen & keine & werbung/kontakt*/mails/e-mails/nachrichten/zusendung* | keine weiteren/keine mehr/keinerlei weitere & e-mails/mails/nachrichten/anfragen/werbung/zusendungen/zuschriften | keine & mails mehr/e-mails mehr/nachrichten mehr/anfragen mehr/werbung mehr |
    nicht mehr/nie wieder/nie mehr & kontaktieren/anschreiben/anzuschreiben/zu kontaktieren/kontaktiert/angeschrieben | kontaktieren/schreiben/schreibt/schreib/mailen & mich/mir/uns & nicht mehr/nie wieder/nie mehr/bitte nicht |
    kontaktieren sie mich nicht/kein interesse/nicht interessiert/in ruhe/von ihnen nichts mehr/nichts mehr hören/nichts mehr von ihnen | werbung & widersprech*/widersprich* | widersprech* & nutzung/verwendung/werb*/verarbeitung |
    unterlassen sie/unterlasst & weitere*/zusendung*/zuschriften/mails/kontakt* | keine werbung bitte/bitte keine werbung/keine werbung mehr | hören sie auf/hört auf/hör auf & schreiben/mailen/anzuschreiben/kontaktieren/belästigen |
    désabonnez-moi/désabonnez/désinscrivez-moi/désinscrivez-nous/désinscrivez/désinscris-moi/désinscrire de/me désabonner/me désinscrire/désabonner de/desabonnez-moi/desinscrivez-moi |
    retirez-moi/retirez-nous/retirez moi/supprimez-moi/enlevez-moi/enlevez-nous/laissez-moi tranquille/laissez-nous tranquilles/fichez-moi la paix |
    retirez/retirer/supprimez/supprimer/enlevez/enlever/effacez/effacer/ôtez & mon/mes/notre/nos & adresse/adresses/données/e-mail/email/mail/coordonnées/nom/contact |
    nous retirer/me retirer/me supprimer/nous supprimer/m'enlever & liste/listes/base/fichier/fichiers |
    oubliez & mon/notre & adresse/mail | m'oppose/nous opposons & utilisation/l'utilisation/traitement & de mes/mes/nos/de nos | ne nous envoyez/ne m'envoyez & plus | ne veux plus/ne voulons plus/ne souhaite plus & de & mails/messages/e-mails/courriels | ne plus & m'écrire/nous écrire/me contacter/nous contacter/me solliciter/nous solliciter/m'envoyer/recevoir/me relancer/me déranger |
    ne m'écrivez plus/ne nous écrivez plus/n'écrivez plus/ne me contactez plus/ne nous contactez plus/ne m'envoyez plus/ne nous envoyez plus/ne me relancez plus/ne me contactez pas |
    ne souhaite*/ne veux/ne voulons/ne désir* & plus & recevoir/sollicité*/contacté*/être |
    pas intéressé/pas intéressée/pas intéressés/pas interessé/pas intéressant pour nous | arrêtez/arrêter/cessez/cesser/cesse & m'écrire/nous écrire/de m'envoyer/de m'écrire/envoi*/me contacter/nous contacter/vos mails/vos messages/ces mails |
    darme de baja/dame de baja/denme de baja/dadme de baja/den de baja/dar de baja mi/dé de baja/darnos de baja/denos de baja |
    no me/no nos & escriba/escribas/escriban/escribáis/contacte/contactes/contacten/contactéis/manden/mande/envíen/envíe/molesten/moleste & más/nunca/jamás |
    no me vuelva a/no me vuelvan a/no vuelva a/no vuelvan a/no volváis a/no vuelvas a & escribir*/contactar*/enviar*/mandar*/ponerse |
    no vuelvan/no vuelva/no volváis & a & escribirme/contactarme/escribirnos/contactarnos | basta & de & correos/mensajes/emails | quítenme/quítame/sáquenme/sácame/bórrenme/bórrame/elimínenme/elimíneme/elimíname/eliminame & lista/listas/base | derecho de supresión/derecho de oposición/derecho de cancelación | no deseo/no quiero/no queremos/no deseamos & recibir/saber nada/correos/mensajes | no estoy interesad*/no estamos interesad*/no me interesa/no nos interesa/no tengo interés/no tenemos interés |
    deje/dejen/deja/dejad & de & enviar*/mandar*/escrib*/contactar* | elimine/eliminen/elimina/borre/borren/borra/bórrame/bórreme/bórrenme/quíteme/quítenme/quítame/sáqueme/sáquenme/sácame/eliminad/borrad & mi/mis/nuestro/nuestros/lista/envíos/base |
    déjeme/déjenme/dejadme/déjame & en paz | cancellami/cancellatemi/cancellateci/mi cancelli/rimuovimi/rimuovetemi/rimuoveteci/toglietemi/toglieteci/toglimi/disiscriv*/disiscriver* |
    cancellate/cancelli/rimuovete/rimuova/togliete/tolga/eliminate/elimini & il mio/la mia/i miei/i nostri/il nostro & indirizzo/dati/mail/email/e-mail/contatto/contatti/nome/nominativo |
    non & contattatemi/contattarmi/contattateci/contattarci/scrivetemi/scriveteci/scrivermi/scriverci/mandatemi/inviatemi/mi scriva/mi scriva/mi contatti/mi mandi/ci contatti & più |
    non mi scriva più/non mi contatti più/non mi scrivete più/non ci scrivete più/non mi scrivere più/non mi contattate più/non ci contattate più/non contattatemi/non contattateci/non scrivetemi/non scriveteci/non sono interessat*/non siamo interessat*/non mi interessa/non ci interessa |
    non voglio più/non vogliamo più/non desidero più | non & inviatemi/mandatemi/inviateci/mandateci & altre/altro/nulla/niente | chiedo/richiedo & cancellazione/rimozione | cancellarmi/cancellarci/rimuovermi/rimuoverci & dalla/da | non scrivete/non scrivere/non scriva & più | smettete/smettetela/smetta/smettila/smetti & di & scriv*/mand*/invi*/contatt* | non desidero/non voglio/non vogliamo/non desideriamo/non intendo & ricevere/più ricevere/essere contattat* |
    basta & email/mail/e-mail/messaggi | lasciatemi/lasciateci/mi lasci/ci lasci/lasciami & in pace |
    me descadastr*/descadastr* & me/meu/nosso/e-mail/meus | descadastre-me/remova-me/me remova/me remover/me removam/me tire da/me tirem da/nos remova/nos removam/me exclua/me excluam |
    remova/remover/removam/retire/retirem/tire/tirem/exclua/excluam/apague/apaguem/delete & meu/meus/nosso/nossos/minha & e-mail/email/endereço/contato/contacto/dados/nome/cadastro |
    não me/não nos & escreva/escrevam/contate/contatem/contacte/contactem/mande/mandem/envie/enviem/procure/procurem & mais/novamente/nada | não me contate/não me contatem/não me escreva mais |
    não entre em contato/não entrem em contato/não tenho interesse/não temos interesse/não estou interessad*/não estamos interessad*/não me interessa/não nos interessa |
    não & enviem/envie/mandem/mande & mais & e-mail*/mensagens/nada/propostas | favor não/por favor não & enviar/mandar/escrever & mais/e-mail*/email* | quero/gostaria de/desejo/queremos & sair & da lista/desta lista/dessa lista | tirem-me/tire-me/retirem-me/removam-me/excluam-me/apaguem-me | remover/remova/removam/retire/excluir/exclua & este/esse & e-mail/email/endereço/contato | pare/parem/deixe/deixem & de & me enviar/enviar/me mandar/mandar/me escrever/escrever/nos escrever/me contatar | não quero/não desejo/não queremos/não gostaria/gostaria de não & receber/mais receber/ser contatad* |
    me deixe/me deixem/deixe-me/deixem-me/nos deixem & em paz | solicito/peço & exclusão/remoção/descadastramento |
    schrijf mij uit/schrijf me uit/schrijf ons uit/meld mij af/meld me af/wil mij afmelden/wil me afmelden/wil mij uitschrijven/wil me uitschrijven/graag afmelden/graag uitschrijven |
    haal/verwijder/schrap/wis/gooi & mij/me/ons/mijn adres/mijn gegevens/mijn e-mail*/mijn mail*/ons adres/onze gegevens | niet meer & te mailen/te schrijven/te benaderen/te contacteren/benaderd/gemaild |
    mail/schrijf/benader/contacteer/bel & mij/me/ons & niet meer/nooit meer/nooit weer | niet langer & benaderen/mailen/schrijven/contacteren/benaderd |
    geen & mails meer/e-mails meer/berichten meer/mail meer/contact meer/reclame meer | niet geïnteresseerd/niet geinteresseerd/geen interesse/met rust |
    stuur/mail & me/mij/ons & niets meer/niks meer/geen mails/geen berichten | verwijder/schrap/haal & dit/ons/mijn & adres/e-mailadres/mailadres & uit/van | wens/wensen & geen & e-mails/mails/berichten/contact | niets meer & van u/van jullie/van je & horen/ontvangen | stop/stoppen/hou op/houd op/hou/houd & met & mailen/sturen/schrijven/mails/die mails/deze mails |
    wypisz mnie/wypiszcie mnie/wypisać mnie/mnie wypisać/mnie usunąć/nas usunąć/mnie wykreślić/nas wykreślić/nas wypisać/usuń mnie/usuńcie mnie/usunąć mnie/usuńcie nas/skreślcie mnie/wykreślić mnie/wykreślcie mnie/wykreślić nas |
    proszę o usunięcie & mojego/moich/naszego/mnie/adresu/danych | usunąć/usuńcie/usuń/wykreślić/skreślić & mój/moje/nasz/nasze & adres/dane/e-mail/mail/kontakt |
    nie życzę sobie/nie życzymy sobie/nie jestem zainteresowan*/nie jesteśmy zainteresowan*/nie wyrażam zgody/dajcie mi spokój/dajcie nam spokój | rezygnuję z & mail*/wiadom*/kontakt*/korespond*/otrzym* |
    proszę/prosimy/proszę już & więcej/już & do mnie/do nas/się & nie & pisać/kontaktować/wysyłać | więcej & do mnie/do nas & nie pisać/nie pisz/nie piszcie | nie & pisz*/pisać & więcej/już & do mnie/do nas | nie & pisz*/pisać & do mnie/do nas & więcej/już |
    nie kontaktować się/nie kontaktujcie się/nie kontaktuj się & ze mną/z nami/więcej | niekontaktowanie & ze mną/z nami | przestańcie pisać/przestań pisać/proszę przestać pisać | przestać/przestańcie/przestań & do mnie/do nas/pisać/wysyłać & pisać/wysyłać/wiadomości/maile |
    nie & wysyłać/wysyłajcie/przysyłać/przysyłajcie & do mnie/do nas/mi/nam & więcej/już/żadnych/wiadom* | o wykreślenie/o usunięcie & z & listy/bazy | więcej & nie & odzywać | nie chcę/nie chcemy & otrzymywać/dostawać/wiadomości/maili/kontakt* |
    avregistrera mig/avregistrera oss/avregistrera min/ta bort mig/ta bort oss/stryk mig/stryk oss | ta bort/radera/stryk & min/mina/vår/våra & adress*/mejl*/mail*/e-post*/uppgift*/data |
    sluta & skicka/mejla/maila/kontakta/skriva/höra av | kontakta mig inte/kontakta oss inte/kontakta inte mig/mejla mig inte/maila mig inte/skriv inte till mig/skriv inte till oss/hör inte av |
    inte intresserad*/ej intresserad*/inte är intresserad* | aldrig/inte & mer/igen & mejl*/kontakt* | kontakta/mejla/maila/skriv & mig/oss & aldrig | plocka bort/tag bort & mig/min/mina/oss/vår | inga fler/inte fler/inte få fler/inte ha fler & mejl/mail/utskick/meddelanden | inte & bli kontaktad*/kontaktas & igen/mer/av | lämna & mig/oss & i fred/ifred |
    fjern mig/fjern meg/fjern oss/fjern os/slet mig/slet meg/slet os/slett meg/slett oss/afmeld mig/afmeld os/meld meg av/stryk meg | fjern/slet/slett & min/mine/vår/vores/våre & adresse/mail/e-mail/e-post*/oplysninger/opplysninger/data |
    hold op/slutt/stop/stopp/lad være & skrive/sende/maile/kontakte & mig/meg/os/oss | slutt å sende/stop med at sende/stopp å sende/stop med at skrive/stop med at kontakte/slutt å skrive/slutt å kontakte |
    skriv ikke til mig/ikke skriv til meg/skriv ikke til os/kontakt mig ikke/kontakt os ikke/ikke kontakt meg/ikke kontakt oss/ikke interessert/ikke interesseret |
    ikke & send* & mig/meg/oss/os & flere/mer/mere | ønsker ikke/ikke & modtage/motta/få & flere & mail*/henvendelser/e-post*/beskeder | ønsker ikke & flere/mere & mail*/henvendelser/e-post*/beskeder | ingen flere & mail*/e-post*/henvendelser | lad/la & mig/meg/os/oss & i fred/være i fred |
    poista minut/poistakaa minut/poistakaa meidät/poistakaa osoit*/poista osoit*/poistakaa yhteystie*/poista yhteystie* | älä/älkää & ota/ottako/lähetä/lähettäkö/kirjoita/kirjoittako & yhteyttä/minulle/meille/enää | en ole kiinnostunut/emme ole kiinnostuneita/lopettakaa viestien |
    отпишите меня/отпишите нас/отписать меня/хочу отписаться/прошу отписать/удалите меня/удалите нас/уберите меня/уберите нас/исключите меня/исключите нас/вычеркните меня/вычеркните нас/меня вычеркните |
    удалите/удалить/уберите/убрать/исключите/исключить/вычеркните & мой/мою/мои/наш/наши/этот & адрес/почту/данные/контакт*/email/e-mail |
    не пишите мне/не пишите нам/мне не пишите/нам не пишите/больше не пишите/мне больше не пишите/не надо мне/не нужно мне & больше/писать/пишите |
    не пишите мне/не пишите нам/мне не пишите/нам не пишите/больше не пишите/больше не пиши/больше не присылайте/не присылайте мне больше/не присылайте больше | не & мне & больше & писать/присылать |
    не присылайте & мне/нам & ничего/больше | больше & не & беспокоить/беспокойте/звоните | не заинтересован*/нас не интересует/меня не интересует/не интересует/оставьте меня/оставьте нас/в покое | не пишите сюда/не пишите больше/отпишите пожалуйста/отпишите, пожалуйста | хватит & слать/писать/присылать/спам* | прекратите & рассылк*/писать/присылать/слать/спам* |
    не хочу/не хотим/не желаю/не желаем & получать |
    今後/二度と/これ以上/もう/一切 & 送らないで/送信しないで/連絡しないで/メールしないで/連絡はお控え/連絡をお控え/お送りにならないで/メールはお控え/連絡は不要 | メールを/メールは & 送らないでください/送信しないでください/停止してください/不要です |
    今後の & 案内は/連絡は/メールは/ご案内は & 不要/結構です/お断り | アドレスを & 削除願います/削除をお願い/削除して | 送信を停止してください/送信をやめてください/配信を停止/配信停止/メールを停止/興味がありません/興味はありません/興味ございません/連絡しないでください/今後のご連絡は | リストから/名簿から/宛先から/登録から & 削除してください/外してください/除外してください/削除して下さい/外して下さい |
    アドレスを/登録を & 削除してください/解除してください/名簿から/リストから | 営業メールは/宣伝メールは/勧誘は & 迷惑/不要/お断り |
    请勿打扰/勿扰/请不要打扰 | 退订/取消订阅/不感兴趣/没有兴趣/没兴趣/拒收 | 不要再/请勿再/別再/别再/請勿再/勿再 & 发邮件/发信/给我/给我们/联系/打扰/發郵件/聯繫/发送/骚扰 | 停止/别/不要 & 给我/给我们/向我/向我们 & 发/发送/发邮件 |
    把我/将我/把我们/将我们 & 移出/移除/删除/去掉 & 列表/名单/名單/数据库 | 把我/将我/把我们/将我们/我的邮箱/我的地址/我的邮件地址 & 列表/名单/名單/数据库/通讯录 & 删除/移除/去掉/移出/刪除 |
    수신거부/수신 거부/연락하지 마/관심 없습니다/관심이 없습니다 | 더 이상/다시는/앞으로 & 보내지 마/보내지 말/연락하지 마/연락하지 말/메일하지 |
    odhlaste mě/odhlaste nás/vymažte mě/smažte mě/odstraňte mě/vyřaďte mě/nekontaktujte mě/nekontaktujte nás/nemám zájem/nemáme zájem/neposílejte mi/neposílejte nám | už mi/už nám/nám už/mi už & nepište/neposílejte/nevolejte |
    leiratkoz*/ne keress*/nem érdekel | dezabonați*/nu mă contacta*/nu sunt interesat* | listenizden çıkar*/beni çıkarın/beni listeden çıkar*/bir daha yazmayın/ilgilenmiyorum/ilgilenmiyoruz/abonelikten çık*
    """
)

# What is said beside it where somebody wants the link, or shows the way to whoever does. Then a person decides what is meant.
FRIENDLY = phrases(
    """
    i added | added your | added yours | added the | i'll add | i will add | we'll add | we added | will be added | and add | add it | add yours | your link in | your link is | your link on | the link in | put it in | it is in | it's in | put your | use your | use it |
    used your | link to you | linked to | i like | we like | i love | we love | love to | happy to | glad to | great find | great page | great idea | great guide | nice page | nice catch | good idea | good catch | excellent | publish | paste | attachment | instead | hesitate | feel free | going on our | resources page |
    find more | next one | next article | next guide | my colleague | my successor | has left | in charge now | your contact now | new editor | contact us at | write to us at | email us at | send it to | reach us at | sounds good | sounds great | keen | replaced | updated | swapped |
    nehme ihre | nehmen ihre | trage ihre | ihren link | ihre seite | den link | sich gern | mir gern | nehme gern | nehmen gern | gefällt | ersetzt | eingebaut | einbauen | baue | bin dabei | gute idee | tolle | toller | anhang | anhänge | kollegin | kollege | zuständig | nachfolger | stattdessen | veröffentlich | aufgenommen |
    ajouté | j'ajoute | ajouter votre | la vôtre | votre lien | à la place | je publie | publions | hésitez pas | excellent | bonne idée | ravi | volontiers | avec plaisir | pièce jointe | collez | collègue | remplac | plaît bien |
    pongo | pego | ponemos | puesto | el vuestro | la vuestra | vuestro enlace | su enlace | publico | publicamos | enlazamos | encanta | nos gusta la | me gusta la | propuesta | no dudes | no dude | archivo | adjunto | pega el | compañer | colega | añad | inclui | incluy | buena idea | redacción |
    coloquei | colocar | o de vocês | endereço de vocês | publico | publicamos | incluí | incluir | anexo | cole o | à vontade | gostei | gostamos | ótim | responsável | colega | boa ideia | com prazer |
    aggiunto | aggiungo | aggiungiamo | ho messo | abbiamo messo | messo la | il vostro link | il vostro indirizzo | la vostra | pubblico | pubblichiamo | allegato | incolli | piace la | ci piace molto | proposta | scriva pure | volentieri | collega | buona idea | inserito | inserisco |
    plaats ik | plaats hem | opgenomen | neem jullie | erop | jullie link | die van jullie | bestand op | plak | gerust | graag op | graag toe | leuk | collega | goed idee | redactie | toegevoegd | voeg |
    dodał | dodam | dodamy | wstawi | wasz link | koleżank | kolega | chętnie | załącznik | śmiało | podoba | dobry pomysł | opublikuj |
    lägger in | lägger upp | lägger till | lagt in | lagt till | satte in | klistra | tar gärna | hör gärna | er länk | bra idé | kollega | redaktion | låter bra | fil, |
    sætter jeres | sætter ind | lægger den | lægger jeres | jeres link | endelig | tager gerne | vil gerne tage | fil, | kollega | god idé | lyder godt | legger inn | legger til | tar gjerne | lenken deres |
    поставил | поставим | добав | вашу ссылку | ваша ссылка | ваша теперь | опублик | вставьте | вставил | файл | вложени | коллег | с радостью | нравится | хорошая идея | на её месте | на ее месте | пишите мне ещё |
    追加しました | 追加いたし | 追加します | 差し替え | 掲載 | 添付 | 貼って | 貼り付け | ぜひ | 担当が変わ | 担当者 | 編集部 | 遠慮なく | 良い提案 | 面白い |
    换成 | 替换 | 放上 | 添加 | 加上了 | 已加 | 发布 | 附件 | 贴在 | 很乐意 | 乐意 | 编辑部 | 不再负责 | 好主意 | 不错 |
    추가했 | 추가하 | 교체했 | 게재 | 첨부 | 담당자 | 좋은 생각 | 좋습니다 | přid | odkaz na vás | vyměnil | přílo | kolegyn | rád | lisäsin | lisään | liitet | kolleg | mielelläni | ekledi | ekleriz | yayınla | ek dosya | memnuniyet
    """
)

# Where a sentence names one of these, what is to go or not to come may stand on a page: a name in a quotation, a file, the third paragraph.
ON_A_PAGE = phrases(
    """
    quote | quotation | citation | paragraph | the text | footnote | imprint | section | in your table | the table | the file | file, | the form | form is | that way | pdf | author | old server | nofollow | publish | to print | on links | readers | visitors |
    from your page | from your site | from your website | from your article | from your post | from your list of | contact page | contact form | they no longer | asked us to | asked me to | is fine | are fine | the whole guide | zitat | absatz | im text | aus dem text | impressum | fußnote | tabelle | auf der seite | formular | autor | wir nehmen keine |
    paragraphe | texte | formulaire | note de bas | tableau | auteur | la cita | párrafo | el texto | del texto | formulario | la tabla | líneas | citazione | paragrafo | testo | modulo | tabella | autore | righe |
    citação | parágrafo | texto | formulário | tabela | linhas | citaat | tekst | alinea | formulier | tabel | cytat | akapit | formularz | citatet | sitat | texten | teksten | stycke | afsnit | avsnitt | tio rader | fler rader | ti linjer | formulär |
    citát | textu | odstav | formulář | цитат | текст | абзац | форм | таблиц | lainauks | kappale | alıntı | metin | paragraf | 引用 | 本文 | 段落 | フォーム | 引文 | 文中 | 표에서 | 인용 | 본문 | 문단
    """
)

# Where none of these words is friendly, this may be meant: broad phrases, and beside them the pairs of stems in `intent_words`.
LIKELY = phrases(
    """
    unsubscribe | remove me | remove my | remove us | remove this address | remove this email | take me off | take us off |
    stop emailing | stop e-mailing | stop mailing | stop contacting | stop sending | stop writing | stop spamming | stop messaging |
    opt out | opt me out | opt-out | opting out | do not contact | don't contact | dont contact | do not email | don't email | do not e-mail |
    do not mail | do not write | don't write | do not message | do not send me | don't send me | do not reach out | don't reach out |
    never contact | never email | leave me alone | leave us alone | not interested | no longer wish to receive | delete my data | delete my email |
    fuck off | piss off | reported as spam | reporting you | report you to | i report you | report this as spam | under gdpr | gdpr art. | gdpr violation | my lawyer | legal action | als spam gemeldet | spam melden |
    verpiss | zum anwalt | rechtliche schritte | abmahn | dsgvo-verstoß | unterlassen sie | signalé comme spam | signaler comme spam | foutez-moi la paix | denunciado como spam | denunciaré | segnalato come spam | segnalerò |
    denunciei como spam | als spam gerapporteerd | als spam gemeld | zgłoszone jako spam | zgłaszam jako spam | anmäld som spam | anmält som spam | meldt som spam | пожалуюсь на спам | nahlásím jako spam | スパムとして報告 |
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
    not to be contacted | no spam | unsub | desuscri | desuscrí | 配信不要 | 配信は不要 | メール不要 | メールは不要 |
    abonelikten | listenizden çıkar | ilgilenmiyorum | ilgilenmiyoruz | bir daha yazmayın | beni çıkarın
    """
)
