"""Pairs of word stems by which people in eighteen languages say the same thing in ever new sentences. Tables only.

"a/b & c/d" holds for a line in which a word starts with a or b, and another (before or behind it) with c or d. A stem in
the scripts without spaces may stand anywhere. Fixed phrases are in `inbound_intent` and `opt_out_words`; these catch what nobody has listed.
"""

from __future__ import annotations

from app.domain.bounce_words import phrases

Pair = tuple[tuple[str, ...], ...]


def pairs(table: str) -> tuple[Pair, ...]:
    """The entries of a table: for each all the groups, for each group its alternatives."""
    return tuple(
        tuple(tuple(stem.strip() for stem in group.split("/")) for group in entry.split("&"))
        for entry in phrases(table)
    )


# A later time, for "ask again in ...".
LATER = (
    "january/february/april/june/july/august/september/october/november/december/in march/in may/spring/summer/autumn/the fall/winter/"
    "new year/next year/next month/next week/next quarter/months/weeks/later/januar/februar/märz/oktober/dezember/frühjahr/neuen jahr/"
    "monate/wochen/später/janvier/février/mars/avril/juin/juillet/septembre/octobre/novembre/décembre/mois/semaines/printemps/rentrée/"
    "enero/febrero/marzo/abril/mayo/junio/julio/septiembre/octubre/noviembre/diciembre/meses/semanas/primavera/janeiro/fevereiro/março/"
    "setembro/outubro/dezembro/gennaio/febbraio/aprile/maggio/giugno/luglio/settembre/ottobre/dicembre/mese/mesi/settimane/maart/"
    "maanden/weken/voorjaar/månader/månad/veckor/våren/måneder/uger/uker/forår/stycz/lutym/marcu/kwiet/miesi/tygod/wiosn/leden/lednu/"
    "únor/březn/měsíc/týdn/jaře/tammikuu/helmikuu/maaliskuu/kuukau/viikko/kevää/январ/феврал/марте/апрел/месяц/недел/весн/ocak/şubat/"
    "mart ayı/ay sonra/hafta/baharda/jaanuar/januári/ianuarie/q1/q2/q3/q4/quarter/quartal/trimest/holidays/relaunch/redesign/christmas/sommerferien/sommerpause/winterpause/ferien/weihnacht/"
    "neujahr/jahreswechsel/herbst/vacances/fêtes/verano/vacaciones/fiestas/navidad/férias/natal/carnaval/feste/ferie/natale/vacanze/estate/nieuwe jaar/zomer/vakantie/kerst/wakac/świ/nowym roku/nowego roku/"
    "nyår/sommar/semest/nytår/nyttår/sommerferie/novém roce/nového roku/prázdnin/svát/праздник/отпуск/летом/лета/нового года/yılbaşı/yaz sonra/bayram"
)

OPT_OUT = pairs(
    """
    don't/do not/dont/never/not & write to me/write me/write us/write again/email me/email us/mail me/mail us/contact me/contact us/message me/call me/write to us |
    stop & sending/writing/emailing/e-mailing/mailing/contacting/messaging/spamming |
    remove/delete/erase/strike/scrub/purge/wipe & my/our/me/us & address/email/e-mail/data/name/contact/details/list/database/records |
    take & me/us/my & off/list/database | no more/no further & emails/e-mails/mails/messages/outreach |
    prefer not/rather not/wish not/rather you didn't/rather you did not/prefer you didn't/prefer if you didn't & receive/get any/contacted/write to/write again/email/mail/message/hear from/contact |
    don't get/not get/don't receive/not receive/stop getting/stop receiving & mail/email/e-mail/message & again/any more/anymore/no more |
    inutile de & me/nous & relancer/écrire/réécrire/contacter/recontacter | verschon & mich/uns & mail/nachricht/werbung/anfrage/zuschrift/damit | geen verdere & bericht/mail/e-mail/contact |
    nepřej & dostávat/dostat/zpráv/mail/e-mail/kontakt |
    don't want/do not want/no longer want/no longer wish & receive/emails/mails/messages/contacted/hear from |
    nicht mehr/nie wieder/nie mehr & schreib/anschreib/kontakt/mailen/melden/anmailen/belästig |
    keine weiteren/keine mehr & nachricht/mails/e-mails/anfragen/werbung/kontakt |
    keine & mails/e-mails/nachrichten/post & mehr | streich/entfern/lösch/nehm/nimm & mich/uns/meine/unsere & verteiler/liste/adresse/daten/mail/datenbank |
    lösch & meine/unsere | ne plus & écri/contact/envoy/sollicit/recevoir/relanc | ne me/ne nous & écrivez plus/contactez/envoyez plus/relancez/sollicitez/écrivez pas |
    ne souhait/ne veux/ne voul/ne désir & plus & recevoir/contact/messages/mails | retir/supprim/enlev/effac/ôte & moi/mon/mes/notre/nos/ma & adresse/données/mail/liste/base/coordonnées/fichier |
    retir/supprim/enlev & moi/nous & de votre/de vos | arrêt/cess & écrire/envoyer/contacter/envois/mails |
    no me/no nos & escriba/escribas/escriban/escribáis/contacte/mandes/manden/mande más/envíes/envíe/envíen/molest | no quiero/no deseo/no queremos/no deseamos & recib/correo/mensaje |
    borr/bórr/elimin/quit/saca/saque/saquen & lista/mis datos/mi correo/mi dirección/mi email/base de datos/nuestro correo | dar/den/dé/dame/denme/date & de baja |
    não me/não nos & escrev/contat/contact/envie/envia mais/mande/procure mais | não quero/não desejo/não queremos/não desejamos & receb/e-mails/mensagens |
    tire/tira/remov/retir/exclu/apag/delet & meu/meus/minha/nosso/nossos & e-mail/email/contato/endereço/dados/lista/base/cadastro | remov/tire/retire & lista/base |
    non & scrivetemi/scrivermi/contattatemi/contattarmi/mi scriva/mi scrivete/inviatemi/inviarmi/mi contatt/mandatemi | non voglio/non desidero/non vogliamo/non desideriamo & riceve |
    togli/rimuov/cancell/elimin & lista/indirizzo/miei dati/mia mail/mia email/mailing/database/nostri dati |
    niet meer & mail/schrijf/contact/stuur/benader/lastig | mail/schrijf/benader/contacteer & mij niet/me niet/ons niet | geen & meer & mail/bericht/e-mail/post/reclame |
    haal/verwijder/schrap/schrijf & lijst/mijn adres/mijn gegevens/mij uit/bestand/mijn e-mail/ons adres | stop & met & mail/sturen/schrijven |
    skriv inte/kontakta inte/mejla inte/maila inte/skicka inte & mig/oss/igen/fler/mer | ta bort/stryk/radera & mig/min/mina/oss/vår/listan |
    inte/inga & fler & mejl/mail/utskick/meddelanden | skriv ikke/kontakt ikke/send ikke/ikke skriv/ikke send/ikke kontakt & mig/meg/os/oss/igen/flere/mer |
    fjern/slet/slett/stryk & mig/meg/os/oss/min/mine/vår/vores/listen/liste | ikke/ingen & flere & mail/e-post/mails/henvendelser |
    送らない/送信しない/連絡しない/連絡はしない/お送りにならない/お控え & ください/下さい | 削除/外して/除外/解除 & リスト/アドレス/登録/宛先/名簿 | 停止 & 配信/メール/送信 |
    больше/мне/нам & не пиш/не присыл/не отправл/не беспоко/не звон | убер/удал/исключ/вычерк/отпиш & меня/нас/адрес/списк/рассыл/базы/данные |
    не хочу/не хотим/не желаю & получать | 不要/请勿/勿/別/别 & 再 & 发/联系/邮件/打扰/發 | 删除/移除/去掉/刪除 & 我/列表/名单/名單/地址 |
    nie & pisać/pisz/piszcie/kontaktować/wysyłać/przysyłać/wysyłaj & więcej/do mnie/już/do nas | usun/usuń/skreśl/wykreśl/wypis & adres/listy/mnie/nas/dane/bazy |
    nepiš/nekontakt/neposíl/neozýv/neobtěž & mi/mě/nám/už/více/další | už & nepiš/neposíl/nekontakt | vymaž/smaž/odstraň/vyřaď/odhlaš & mě/nás/seznam/adres/data/údaje/databáz |
    älkää/älä & lähet/kirjoit/ottako/ota & minulle/meille/enää/yhteyttä/viestej | poista & minut/osoitte/lista/tieto/meidät | en halua/emme halua & viestej/posti/sähköpost |
    bir daha/artık & yazma/gönderme/aramayın/iletişim/mail atma | beni/bizi/adresimi/adresimizi/verilerimi & çıkar/sil/kaldır |
    더 이상/다시는/앞으로 & 보내지/연락하지/메일을 보내/연락 주지 | 삭제/제외/빼 & 주소/명단/목록/리스트 |
    ne írj/ne küldj/ne keress & többet/többé/nekem/nekünk/tovább | töröl & címem/listá/adat | nu-mi/nu ne/nu îmi & mai & scrie/trimite/contact | șterge/scoate/elimin & adresa/lista
    """
)

NOT_NOW = pairs(
    f"""
    again/ping/back to/remind/circle/touch base/reach out/try/get in touch/contact me/write me/ask me/email me/talk/speak/chat/discuss/revisit/pick this up & {LATER} |
    maybe/perhaps/possibly/earliest/vielleicht/frühestens/erst/eventuell/peut-être/pas avant/quizá/quizás/tal vez/forse/talvez/misschien/może/kanske/måske/kanskje/možná/может & after/once/nach/im/après/avant/después/dopo/depois/na/po/efter/etter/po/после & {LATER} |
    wieder an/wieder dran & erst/frühestens | swamped/snowed under/no time right/no time at/redesigning/overhaul |
    melden/fragen/kommen/schreiben/versuchen/anklopfen/meldet/frag/schreib/meld & {LATER} & noch/wieder/erneut/nochmal/bitte/gern | momentan/derzeit/zurzeit/aktuell/im moment/gerade & keine zeit/keine kapazität/nicht/überarbeit |
    recontact/revenez/reviens/relanc/reparl/réécri/rappel & {LATER} | débordé/surchargé/pas le temps/en refonte |
    escríb/escrib/vuelv/volv/contact/hablamos/pregunta/llám/llama/avís/avis & {LATER} & en/el/dentro/de nuevo/otra vez/después/tras/a partir/pasad | a tope/sin tiempo/no tengo tiempo/no tenemos tiempo/hasta arriba |
    fale/escreva/pergunte/volte/procure/retome/contate/chama/chame/falamos & {LATER} | sem tempo/sobrecarregad/em reforma | risentiamoci/riscriv/ricontatt/risent/riparliamone/torna & {LATER} |
    pieni di lavoro/non ho tempo/non abbiamo tempo/sommersi | mail/probeer/vraag/kom/neem & {LATER} & nog/opnieuw/weer/terug/contact | geen tijd/te druk |
    hör av/fråga/återkom/kontakta/skriv/hörs & {LATER} | hinner inte/ingen tid/fullt upp | skriv/spørg/vend/kontakt & {LATER} & igen/tilbage | ikke lige nu/ingen tid/har travlt |
    prøv/ta kontakt/spør/skriv & {LATER} & igjen/tilbake | напишите/обратитесь/вернёмся/вернемся/спросите/свяжитесь/давайте/поговорим & {LATER}/позже/через | нет времени/сейчас заняты/очень заняты |
    napis/napisz/odezw/wróc/zapyt/skontakt & {LATER}/później | nie mam czasu/nie mamy czasu | napište/ozvěte/zkuste/kontaktujte & {LATER}/později | nemám čas/nemáme čas |
    kysy/ota yhteyttä/palataan/kirjoita/palaa & {LATER}/uudestaan/myöhemmin | ei ehdi/en ehdi/emme ehdi/kiire | yazın/ulaşın/sorun/görüşelim & {LATER}/tekrar/sonra | yoğunuz/vaktimiz yok |
    来月/改めて/あらためて/後日/年明け & 連絡/ご相談/お願い | 今は & 難しい/余裕 | 太忙/没时间/沒時間 | 下个月/以后/明年/年后 & 联系/再 | 나중에/다음 달/내년/다음에 & 연락/다시/문의
    """
)

# What somebody does, at whichever time.
ACTS = pairs(
    """
    i'll/we'll/i will/we will/going to & add/put/include/insert/replace/swap/update/publish/change/get it | it's in/it is in/yours is in/so it's in |
    bauen/baue/nehmen/nehme/tauschen/tausche/setzen/setze/stellen/ersetzen/ersetze/ergänzen/ergänze/aktualisieren/verlinken & wir/ich & ein/auf/aus/um/ihn/den/es/das/sie/ihren | werden/werde & ersetzen/ergänzen/einbauen/aufnehmen/austauschen/verlinken |
    je le/je l'/je la/nous le/nous l'/nous la/on le/on la/on l' & met/ajout/remplac/publi/intègr/corrig | lo/la & pongo/ponemos/añad/cambio/cambiamos/public/incluim/incluy/actualiz/metemos/sumo/sumamos |
    vou/vamos & coloc/inclu/troc/atualiz/public/adicion/inser | lo/la/li & inserisc/inseri/aggiung/pubblic/aggiorn/sostitu/mettiamo/metto | zet/plaats/zetten/plaatsen/vervang/vervangen/pas/passen & erbij/erop/hem/aan/online & ik/we/wij |
    dodam/dodamy/wstawię/wstawimy/podmienię/podmienimy/zaktualizujemy/zamieścimy & link/to/go/ten/w | lägger/byter/uppdaterar/tar & jag/vi & in/till/ut/med/den | sætter/lægger/retter/bytter/legger/setter & jeg/vi & ind/på/inn/til/den |
    přidáme/přidám/vyměníme/doplníme/opravíme & odkaz/ho/to/jej | добавим/добавлю/поставим/поставлю/заменим/заменю/разместим & её/его/ссылк/на/в/после | lisään/lisäämme/vaihdan/päivitän & sen/linkin/linkki | ekleyeceğiz/değiştireceğiz/ekleriz & link/bağlantı/onu/yazı |
    掲載し/追加し/差し替え/更新し & ます/予定
    """
)
# The dead link is gone, and nothing has come in its place.
REMOVED = pairs(
    """
    removed/deleted/took/taken/got rid & link/it/url/reference/entry/mention & out/removed/deleted/rid | gelöscht/entfernt/rausgenommen/herausgenommen/rausgeworfen/gestrichen & link/ihn/verweis/eintrag/das/url |
    supprimé/retiré/enlevé/effacé & lien/l'ai/l'avons/référence/le/url | quitado/eliminado/borrado/retirado & lo/enlace/link/referencia | tolto/rimosso/eliminato/cancellato & link/l'ho/l'abbiamo/collegamento/riferimento |
    removi/retirei/tirei/apaguei/removemos/retiramos/excluí & link/ele/o | verwijderd/weggehaald/gewist & link/hem/die/verwijzing | usunął/usunęł/usunię/skasowa/wykasowa & link/odnośnik/go/odsyłacz | tagit bort/raderat & länk/den |
    fjernet/slettet/taget & link/lenk/den/det | odstranil/smazal/odstraněn/smazán & odkaz/ho/jej | удалил/убрал/удалена/удален & ссылк/её/ее/эту | 削除し/削除いたし/外し/取り除 & リンク | 删除了/已删除/去掉了 & 链接 | poistin/poistimme/poistettu & linkin/linkki/sen |
    kaldırdı/sildi & link/bağlantı | 삭제했/제거했 & 링크
    """
)
# What has come in its place, in a part of the sentence of its own: theirs may be what is gone ("I removed your link and put another").
PUT_YOURS = pairs(
    """
    put/added/linked/used/using/placed/inserted/replaced it with/swapped in/there now/there instead/in its place & your/yours/you |
    rein/drin/gesetzt/setze/verlinkt/verlinke/eingebaut/eingefügt/ergänzt/aufgenommen/genommen/steht jetzt/steht nun & eure/euren/eurer/euch/ihre/ihren/ihrer/ihrem/dein/deine/deinen/deiner/sie |
    mis/mets/ajouté/inséré/intégré/placé/en place & vôtre/votre/vos/tien/tienne/ton/ta/vous | puesto/puesta/pongo/añadido/incluido/colocado/metido & tuyo/tuya/tu/vuestro/vuestra/suyo/suya/su |
    messo/metto/aggiunto/inserito/caricato & tuo/tua/vostro/vostra/suo/sua | pus/coloquei/adicionei/inseri/incluí/botei & teu/tua/seu/sua/vosso/de vocês |
    gezet/geplaatst/toegevoegd/opgenomen/staat nu & jou/jouw/jullie/uw/u | dałam/dałem/daliśmy/wstawił/wstawiłam/dodał/dodałam/umieścił & twój/twoj/wasz/państwa |
    satt in/satt dit/lagt in/lagt till/lade in/länkat & din/ditt/er/ert/dig | sat ind/sat jeres/tilføjet/lagt inn/lagt til/satt inn/linket & din/jeres/deres/dig/deg |
    dal/dala/vložil/vložila/přidal/přidala/doplnil/doplnila & tvůj/váš/vaši/vás | laitoin/lisäsin/vaihdoin/linkitin & sinun/teidän/teille |
    поставил/добавил/вставил/разместил & твою/твоя/вашу/ваша/ваш | koyduk/koydum/ekledi & sizin/senin | 載せ/掲載/追加/差し替え/入れ & 御社/貴社/そちら | 放上/换成/加上/添加 & 你们/您的/贵 | 넣었/추가했/교체했 & 귀사/보내주신/그쪽
    """
)
KEPT = phrases(
    """
    setze ich den neuen | setze den neuen | setzen wir den neuen | gern den neuen | replac | swap | added | add | yours | your link | your guide | your page | instead | new one | send | ersetz | ersatz dafür | ihren | ihre seite | ihrem | stattdessen | ausgetauscht | eingefügt | eingebaut | schick |
    linked to you | from you | eure | euren | eurer | dein | auf euch | verlinkt | le tien | tuyo | il tuo | il vostro | o teu | van jou | van jullie | erin gezet | twój | twoj | in din | in er | din länk | твою | 御社 | 貴社 |
    remplac | ajout | votre | vôtre | à la place | envoy | vuestr | su enlace | su guía | añad | sustitu | reemplaz | puesto | vostr | sostitu | aggiun | inserit | messo | seu link | de vocês | substitu | adicion | troquei | vervang |
    jullie | uw link | toegevoegd | geplaatst | zamien | podmien | doda | wasz | państwa | ersatt | bytt | lagt | er länk | er guide | erstat | udskift | skiftet | jeres | deres | tilføj | lagt til | vyměn | nahra | váš | vaši | přid | замен | добав | ваш |
    差し替え | 追加 | 換え | 换成 | 添加 | 您的 | vaihd | korva | lisä | ekle | değiştir | sizin | 교체 | 추가
    """
)
# What they never do, behind "I'd love to, but".
REFUSALS = pairs(
    """
    policy/policies/guidelines/rules/editor/management/boss & not/n't/doesn't/forbid/never/no/against | never/don't/do not/can't/cannot/can not/won't/will not/no longer/aren't able & change/edit/touch/alter/modify/allow/permit/replace/link/add/take/accept/use/swap/update/do this/do that |
    not something/not for/not a/not what/not our | nicht/keine/nie/niemals & ändern/verlinken/aufnehmen/machen/veröffentlichen/möglich/erlaubt/vorgesehen/für uns/passt/links/anfassen/dürfen | pas/jamais/plus & possible/modif/chang/touch/liens/ce genre/permet/autoris/pour nous |
    no/nunca & podemos/permite/cambiamos/modificamos/es posible/encaja/tocamos/enlazamos | non/mai & possiamo/permette/modifichiamo/cambiamo/è possibile/fa per noi/tocchiamo | não/nunca & podemos/permite/alteramos/mudamos/é possível |
    niet/geen/nooit & wijzigen/aanpassen/linken/mogelijk/toegestaan/plaatsen/voor ons/mag | nie/nigdy & zmieniamy/możemy/możliwe/linkujemy/pozwala | inte/aldrig & ändra/länka/möjligt/tillåt/för oss | ikke/aldri/aldrig & ændre/endre/linke/lenke/muligt/mulig/tilladt/tillatt |
    не/никогда & меняем/можем/ставим/разреш/возможно/подходит | ne/nikdy & měníme/můžeme/možné/odkazujeme/dovol | değil/yok & mümkün/uygun/izin
    """
)

NO = pairs(
    """
    don't link/do not link/don't place/do not place/don't insert/don't exchange/don't take/don't sell/do not sell/don't offer/never link/will not add/will not link/won't add/won't link |
    happy with/fine with/content with/satisfied with & links we/what we have/our current/as it is/as they are | leave it/keep it/leaving it/keeping it/leave the page/keep the page & as it is/as is/unchanged/that way/for now |
    we no longer/we don't/we do not & edit/maintain & it/page/article/that/this | don't permit/do not permit/don't allow/do not allow/doesn't allow/does not allow/not allowed/not permitted & link/this/that/it/us |
    do not/don't & participate/take part/engage/offer & link/placement/exchange/outreach/guest | replaced & with something else/with another/by another | only link to/only links to & our own/partner/internal/official | not going to/aren't going to & add/link/change/use/replace |
    nichts für uns/kein thema für uns/nicht vorgesehen | verlinken/verlinke/linken & nicht/keine & auf/wir/ich/grundsätzlich/externe | não temos essa/não é nossa & política/prática/linha | non è di & interesse/nostra competenza |
    nie skorzystamy/nie skorzystam | pas notre/pas dans notre & politique/ligne/genre | no es nuestra/no entra en nuestra & política/línea | niet ons/niet onze & beleid/gewoonte/stijl | vi avstår/vi afstår/vi står over | nebudeme/nebudu & měnit/přidávat/doplňovat |
    не будем/не планируем & менять/добавлять/ставить/размещать | don't want/do not want/prefer not & it/this/that/to add/to change/links |
    doesn't fit/does not fit/doesn't suit/not for us/no need/isn't for us/not something we | pass on this/pass on that/give this a miss/rather not |
    keine/keinen & links/link/verlinkung/backlinks/gastbeiträge/bedarf/externen | passt & nicht/leider | daran & kein | möchten/wollen/werden & nicht & verlinken/aufnehmen/veröffentlichen/ändern |
    ne plaçons/n'ajoutons/n'insérons/ne publions/ne faisons/ne mettons/n'échangeons & pas/aucun/plus | ne correspond/ne convient/ne rentre & pas | sans façon/pas besoin/pas donner suite |
    no ponemos/no añadimos/no incluimos/no insertamos/no publicamos/no colocamos/no enlazamos/no hacemos/no lo necesitamos | no encaja/no nos encaja/no corresponde/no vemos |
    não colocamos/não inserimos/não publicamos/não incluímos/não fazemos/não precisamos/não aceit | não combina/não encaixa/não se encaixa/não faz sentido |
    non inseriamo/non pubblichiamo/non mettiamo/non aggiungiamo/non facciamo/non linkiamo/non ci serve | non è in linea/non rientra/non fa per noi/non è adatto |
    plaatsen/linken/doen/zetten & geen/niet | past & niet | nee & dank/bedankt | ikke noget for os/ikke noe for oss/inget för oss | länkar/lägger/publicerar/tar & inte | passar & inte/tyvärr | linker/lenker/lægger/publiserer/tager/tar & ikke |
    passer & ikke/desværre/dessverre | 行っておりません/行っていません/対応しておりません/お受けしておりません/承っておりません/掲載しておりません/致しておりません/いたしておりません |
    не ставим/не размещаем/не добавляем/не публикуем/не ссылаемся/не подходит/не подойдёт/не нужно | 不放/不接受/不加/不合适/不添加/不提供/不发/不需要/不做 |
    nie umieszcz/nie dodaj/nie publikuj/nie link/nie zamieszcz/nie potrzebuj/nie pasuje/nie jesteśmy w stanie | nedáváme/nevkládáme/neodkazujeme/nepřidáváme/neumísťujeme/nepublikujeme/nehodí/nepotřebujeme |
    emme & linkitä/lisää/julkaise/tarvitse/laita | ei sovi/ei kiitos/ei ole tarvetta | vermiyoruz/eklemiyoruz/yayınlamıyoruz/uygun değil/almıyoruz/ihtiyacımız yok |
    넣지 않/하지 않습니다/받지 않/게재하지/어렵습니다/필요 없 | nem teszünk/nem helyez/nem illik/nu punem/nu adăugăm/nu se potrivește
    """
)

INTERESTED = pairs(
    """
    replaced/swapped/updated/fixed/corrected/changed/included/inserted/switched & link/page/article/yours/reference/url/it/post | link & swapped/replaced/updated/added/changed/live/fixed |
    yours is in/yours is up/yours is live/yours is there now/your link is in place/your link is in its place/your link is live/your link is up/your link is online/your link is there now/your guide is in its place/your page is in its place |
    now points to your/now points to you/points to you now/points to yours now/now links to you/links to you now/links to yours now/now goes to you/goes to you now/now leads to you/leads to you now |
    zeigt jetzt auf/zeigt nun auf/führt jetzt zu/führt nun zu/verweist jetzt auf/verweist nun auf & euch/eure/euren/ihre/ihren/sie/dich/deine | link ist drin/link ist online/link ist gesetzt/link ist live |
    lien est en place/lien est en ligne/lien est désormais en | enlace está puesto/enlace está en línea/enlace está en su sitio | link è online/link è attivo/link è inserito/link è al suo posto | link staat erin/link staat erop/link staat online |
    works for/fine with/ok with/okay with/good with/fine by & us/me | i like/we like/let's do/nice catch/great find/good find/good spot/well spotted/makes sense/count us in/on board |
    i'll/we'll/i will/we will/can & add/put it/include/insert/replace/swap | send/share/forward & me/us/over/along & text/sentence/draft/details/copy/wording/suggestion/paragraph/link/guide |
    ersetzt/ausgetauscht/ergänzt/eingebaut/korrigiert/geändert/aktualisiert/aufgenommen/verlinkt & link/verweis/seite/artikel/ich/wir/ihn/ihren | gern/gerne & auf/nehmen/ein/link/verlink/bau/tausch/veröffentlich |
    passt & gut/zu uns/perfekt | schicken/senden/schick/sende & textvorschlag/text/entwurf/vorschlag/details/artikel/den link/ihren link | machen wir/einverstanden/nehmen wir auf/bauen wir ein |
    remplac/corrig/ajout/modifi/insér/actualis & lien/page/article/aujourd'hui/vôtre/votre/ligne | corrigé/remplacé/ajouté & est/ai/avons | est en ligne/ça marche/ça nous va/cela nous convient |
    envoyez/envoie/transmettez & proposition/texte/détails/article/lien | cambi/añad/sustitu/actualiz/reemplaz/incluy/inclui/correg/agreg & enlace/página/vuestro/artículo/semana/hoy/texto/link |
    me parece bien/nos parece bien/me gusta/nos gusta/perfecto/adelante/de acuerdo | mánda/manda/envía/mándame/pása/envíe & texto/propuesta/artículo/detalles |
    troquei/substituí/atualizei/corrigi/inclu/coloquei/alterei/trocamos/atualizamos & link/hoje/página/texto/artigo/de vocês | gostei/gostamos/ótimo/perfeito/combinado/pode mandar/pode enviar/pode ser | manda/mande/mandem/envia/envie & link/texto/artigo/proposta & que/coloc/inclu/adicion |
    sostitui/aggiorna/corrett/inserit/inseriamo/inserisco/aggiung/aggiunt/modificat & link/oggi/pagina/articolo/vostro/testo | mi piace/ci piace/perfetto/va bene/d'accordo | manda/mandami/mandate/inviami/inviate & testo/articolo/proposta/link |
    vervangen/aangepast/toegevoegd/geplaatst/bijgewerkt/gewijzigd/plaats/zetten/zet & link/hem/pagina/artikel/erbij/bij/ik | leuk/prima/akkoord/goed idee & stuur/doen/zet/plaats/we/ik |
    bytt/ersatt/uppdaterat/lägger/lagt/rättat/ändrat & länk/till/sidan/in/den | låter bra/perfekt/gärna/kör på det | skiftet/byttet/opdateret/oppdatert/tilføjet/rettet/erstattet/udskiftet/skiftet/endret & link/lenk/siden/jeres/artik |
    yours/it/link/guide & is in now/are in now/is live/is up now/in place now/is in there | will put/will add/will include/will swap/will get it & it/this/that/yours/link | put it/get it/bring it & up/live/online |
    kommt rein/ist drin/ist online/ist getauscht/ist ausgetauscht/ist geändert/ist korrigiert/setzen wir um | c'est corrigé/c'est en ligne/c'est mis à jour/c'est changé/c'est modifié/je le mets/on le met/nous le mettons/je l'ajoute/on l'ajoute |
    la sumo/lo sumo/la añado/lo añado/lo cambio/ya está cambiado/ya está puesto | sistemato/aggiornato/corretto/sostituito & ho/già/è/il vostro | já está/já foi & trocado/atualizado/corrigido/no ar | staat erop/staat online/staat erbij/is aangepast |
    podmieniłam/podmieniłem/zmieniłam/zmieniłem/poprawiłam/poprawiłem/dodane/podmienione | utbytt/uppdaterad/ändrad & er/mot/den/nu | är fixat/är fixad/nu fixat | rettet/ændret/oppdatert/opdateret/endret & det/den/nu/nå | už je/je to & opraven/vyměněn/doplněn/tam |
    added/adding & it/this/that/your/yours/link | put/took/take/using/use & yours/your link/your guide/your page | puesto/pongo/ponemos/hemos puesto & enlace/vuestro/link/lo |
    lyder godt/høres bra/vil gerne/vil gjerne/det er fint | 差し替え/追加し/修正し/変更し/更新し/掲載し & ました/ます/たい | お送りください/送ってください/送付ください & 原稿/文章/詳細/案/リンク | 検討します/検討いたします/よいご提案/良いご提案/面白い |
    замен/добав/исправ/обнов/вставил/поставил/поставим & ссылк/страниц/статью/вашу | хорошая идея/присылайте/пришлите/отлично/договорились/согласны/подходит нам |
    换成/替换/换上/更新/添加/加上 & 链接/了/好 | 可以 & 发给/发来/加/没问题 | 好主意/不错/发给我 | podmieni/zamieni/doda/zaktualiz/poprawi/wstawi & link/stron/artyku/wasz |
    świetny pomysł/dobry pomysł/proszę przesłać/proszę o przesłanie/zgoda/zgadzamy/podoba mi/podoba nam | vyměni/nahradi/doplni/přida/opravi/aktualiz & odkaz/strán/článek/váš | dobrý nápad/pošlete/souhlas/líbí se |
    vaihdoin/korjasin/päivitin/lisäsin/lisään/korvasin/vaihdettu/lisätty/vaihdoimme & linkin/linkki/sivu/sen/artikkel | hyvä ehdotus/lähetä/sopii/käy hyvin | değiştirdi/ekledi/güncelledi/düzeltti/ekleyece & bağlantı/link/sayfa/yazı/makale |
    harika fikir/güzel fikir/gönderin/bizim için uygun/olur | 교체했/추가했/수정했/변경했/교체하/추가하겠 & 링크/습니다/겠습니다 | 좋은 생각/보내 주세요/좋네요 | kicserél/beilleszt/hozzáad & link/cikk | am înlocuit/am adăugat/am actualizat
    """
)
