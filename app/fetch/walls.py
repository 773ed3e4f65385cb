"""Pages that stand in front of the page: challenges, maintenance, consent, logins, ages and regions. They answer 200 and say nothing of what is behind them.

Many stand inside the layout of their site, between a full menu and a full footer: what counts is what they say outside of links.
"""

from __future__ import annotations

import re

#: A page with this many words and more shows more than a wall; so does one with this many outside of its links, unless its
#: title or heading is the notice of a wall, and it has not even HEADED of them.
WORDS = 60
HEADED = 250
#: A longer title or heading speaks of such things and is no notice.
_NOTICE_WORDS = 9
#: Nor is one that begins like this: it heads an article on such things.
_ON_IT = re.compile(
    r"\W*(?:how|what|why|when|which|guide|tips|best|top|fix(?:ing)?|understanding|wie|was|warum|wann|welche[rs]?|ratgeber|tipps|comment|pourquoi|qu[’']est|quel(?:le)?s?|guide"
    r"|cómo|qué|por qué|cuál(?:es)?|como|o que|por que|porque|qual|quais|come(?! back)|cosa|che cos|perché|quale|hoe|wat|waarom|welke)\b",
    re.IGNORECASE,
)
#: What a page offers beside its own words: accounts, comments, mails. It keeps nobody from reading it.
_ASIDE = re.compile(
    r"(?:log|sign) ?in to (?:view|read|see|access) (?:your|my|our|prices?|(?:all |more |the )?(?:comments|replies))\b"
    r"|subscribe to (?:read|view) (?:our|my|the|more)\b",
    re.IGNORECASE,
)

#: What a server says of a fault of its own.
_FAULT = (
    r"|something went wrong|internal server error|an (?:unexpected )?error (?:has )?occurred"
    r"|ein (?:unerwarteter )?fehler ist aufgetreten|etwas ist schiefgelaufen|une erreur (?:s['’]est produite|est survenue)"
    r"|(?:ha ocurrido|se ha producido) un error|ocorreu um erro|si è verificato un errore|er is (?:een fout opgetreden|iets misgegaan)"
)
#: What services that keep programs out leave in the source of their page.
_CHALLENGE = re.compile(
    r"_incapsula_resource|/cdn-cgi/challenge-platform|cf[-_]chl[-_]|challenges\.cloudflare\.com|recaptcha|hcaptcha|h-captcha"
    r"|px-captcha|perimeterx|datadome|captcha-delivery|sucuri_cloudproxy|awswaf|ddos-guard|\bbobcmn\b|tspd_101|bm-verify",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"just a moment|checking your browser|attention required|verify (?:that )?you are (?:a )?human|are you (?:a )?(?:human|robot)"
    r"|security check\b|unusual traffic|pardon our interruption|request unsuccessful|access (?:to this page )?(?:has been )?denied"
    r"|sicherheitsüberprüfung|sind sie ein mensch|vérification de sécurité|êtes-vous un humain|verifica che sei umano"
    r"|comprueba que eres humano|verifique se você é humano",
    re.IGNORECASE,
)
_MAINTENANCE = re.compile(
    r"maintenance|be (?:right )?back (?:soon|shortly)|(?:temporarily|currently) (?:unavailable|offline|down)|service unavailable"
    r"|\b(?:error|http)\W{0,3}50[0-4]\b|\b50[0234] (?:error|service|internal|gateway)|bad gateway|too many requests|error establishing a database connection|bandwidth limit exceeded"
    r"|account (?:has been )?suspended|wartung|vorübergehend nicht (?:erreichbar|verfügbar)|mantenimiento|manutenção|manutenzione"
    r"|indisponible|no disponible temporalmente|temporariamente indisponível|momentaneamente non disponibile" + _FAULT,
    re.IGNORECASE,
)
_CONSENT = re.compile(
    r"cookie|consent|before you continue|privacy|gdpr|datenschutz|einwilligung|rgpd|privacidad|privacidade",
    re.IGNORECASE,
)
_AGREE = re.compile(
    r"\b(?:accept|agree|allow all|continue|akzeptieren|zustimmen|accepter|aceptar|aceitar|accetta)\b", re.IGNORECASE
)
#: What is said in place of a page, and hardly ever on one.
_NOTICE = re.compile(
    r"(?:under|down for|undergoing|scheduled|planned) maintenance|maintenance (?:mode|in progress|break|work)"
    r"|be (?:right )?back (?:soon|shortly)|(?:temporarily|currently) (?:unavailable|offline|down)|service unavailable|bad gateway"
    r"|too many requests|error establishing a database connection|account (?:has been )?suspended|wartungs(?:arbeit|modus|pause|fenster)"
    r"|wegen wartung|vorübergehend nicht (?:erreichbar|verfügbar)|\ben mantenimiento|\bem manutenção|\bin manutenzione|\ben maintenance"
    r"|maintenance en cours|\bin onderhoud|tijdelijk niet beschikbaar|temporairement indisponible|temporariamente indisponível"
    r"|momentaneamente non disponibile|no disponible temporalmente" + _FAULT,
    re.IGNORECASE,
)
#: A question about cookies that keeps one from reading on, other than the banner that every page has.
_COOKIES_FIRST = re.compile(
    r"accept (?:all |our |the )?cookies (?:to|and) (?:continue|proceed|read|view|access)"
    r"|cookies (?:zu )?(?:akzeptieren|zustimmen),? um (?:fort|weiter)|accepte[rz] les cookies pour (?:continuer|lire|accéder)"
    r"|acepta(?:r)? las cookies para (?:continuar|leer|acceder)|aceit(?:e|ar) os cookies para (?:continuar|ler|acessar)"
    r"|accetta(?:re)? i cookie per (?:continuare|leggere|accedere)|accepteer (?:de )?cookies om (?:verder|door)",
    re.IGNORECASE,
)
_GATE = re.compile(
    # to log in, and not for a comment
    r"(?:log|sign) ?in to (?:continue|view|read|see|access|proceed)|(?:login|log ?in|sign[- ]?in) required|for (?:members|subscribers) only"
    r"|(?:members|subscribers) only|subscribe to (?:continue|read|view)|you (?:must|need to|have to) (?:be logged|log|sign) ?in"
    r"(?! to (?:post|leave|comment|reply|write|submit|vote|review))"
    r"|please (?:log|sign) ?in\b(?! to (?:post|leave|comment|reply|write|submit|vote|review))|(?:log|sign) ?in to your account to"
    r"|(?:reached|used|read) (?:all )?(?:of )?your (?:[a-z]{1,12} ){0,3}(?:limit|articles)\b"
    # to log in, and not for a seminar
    r"|anmeldung (?:ist )?erforderlich|anmeld(?:en|ung|e dich|en sie sich)[^.]{0,30}(?:fortzufahren|weiterzulesen|um weiter)"
    r"|(?:einloggen|log dich ein|loggen sie sich ein),? um (?:fort|weiter)|nur für (?:mitglieder|abonnenten)"
    r"|connect(?:ez-vous|e-toi) pour (?:continuer|lire|voir|accéder)|connexion (?:requise|obligatoire)|réservée? aux (?:abonnés|membres)"
    r"|inici(?:a|e|ar) sesión para (?:continuar|ver|leer|acceder)|(?:faça login|inicie sessão|entre) para (?:continuar|ver|ler|acessar)"
    r"|acced(?:i|ere|a) per (?:continuare|leggere|vedere|proseguire)|log in om (?:verder|door)|inloggen (?:vereist|om (?:verder|door))"
    # where one is
    r"|(?:not|un)[ -]?available in your (?:region|country|location|area|territory)|(?:blocked|restricted) in your (?:region|country)"
    r"|in (?:ihrem|deinem) land nicht verfügbar|in (?:ihrer|deiner) region nicht verfügbar|pas disponible dans votre (?:pays|région)"
    r"|no (?:está )?disponible en (?:tu|su) (?:país|región)|não (?:está )?disponível (?:no seu país|na sua região)"
    r"|non (?:è )?disponibile (?:nel (?:tuo|suo) paese|nella (?:tua|sua) regione)|niet beschikbaar in (?:uw|jouw|je) (?:land|regio)"
    # how old one is
    r"|age (?:verification|check|gate)|verify your age|(?:are you|you must be|i am) (?:over |at least |aged )?(?:18|21)\b|of legal (?:drinking )?age"
    r"|alters(?:prüfung|verifikation|nachweis|abfrage)|(?:sind sie|bist du) (?:über |mindestens |schon )?(?:16|18)\b"
    r"|vérification de l['’]âge|(?:avez-vous|as-tu) (?:plus de |au moins )?18 ans|verificación de edad|(?:eres|es usted) mayor de"
    r"|verificação de idade|verifica (?:dell['’])?età|(?:hai|sei) (?:più di|maggiorenne)|leeftijds(?:controle|verificatie)"
    # whatever it is
    r"|zugriff verweigert|zugang verweigert|accès (?:refusé|interdit)|acceso denegado|acesso negado|accesso negato|toegang geweigerd"
    r"|\bcaptcha\b",
    re.IGNORECASE,
)
#: A title or heading that is nothing but this, apart from the name of its site.
_LOGIN = re.compile(
    r"(?:log[ -]?in|sign[ -]?in|anmelden|einloggen|se connecter|connexion|iniciar sesión|iniciar sessão|fazer login|accedi|inloggen)",
    re.IGNORECASE,
)
_BESIDE_A_NAME = re.compile(r"\s[|–—·»•-]\s")
#: What stands below the first lines of an article that is sold. A page that is read in full may say so too.
_TEASER = re.compile(
    r"already a (?:subscriber|member)|subscribe (?:now )?to (?:unlock|keep reading)|become a (?:subscriber|member) to (?:read|continue)"
    r"|(?:unlock|read|continue reading) (?:this|the full|the whole) (?:article|story)|weiterlesen mit|jetzt weiterlesen|bereits abonnent"
    r"|(?:artikel|inhalt) (?:ist )?(?:nur )?für abonnent|um (?:(?:diesen|den) artikel (?:weiter)?zu ?lesen|weiterzulesen)|déjà abonnée?|pour lire la suite"
    r"|il vous reste \d{1,3} ?% |ya eres suscriptor|suscríbete para (?:seguir )?(?:leer|leyendo)|(?:exclusivo|solo) para suscriptores"
    r"|assine para (?:continuar|ler)|(?:exclusivo|só) para assinantes|abbonati per (?:continuare|leggere)|riservato agli abbonati"
    r"|al abonnee\?|word (?:lid|abonnee) om|log ?in\b|sign ?in\b",
    re.IGNORECASE,
)
#: Expressions that ignore case take four times as long: where a whole text is searched, it is made lower instead.
_OF_A_WALL = tuple(re.compile(one.pattern) for one in (_ASKS, _NOTICE, _COOKIES_FIRST, _GATE, _TEASER))
#: What a page says of itself to search engines when it is not for all (schema.org).
_NOT_FREE = re.compile(r'"isAccessibleForFree"\s{0,9}:\s{0,9}"?(?:https?://schema\.org/)?[Ff]alse')
#: Who reads on for longer than this many characters has no wall before them.
_LONG = 9_000
#: Where one signs in. A page that sends its readers there says nothing, however much the sign-in page tells of its service.
_SIGN_IN = re.compile(
    r"https?://(?:(?:login|signin|sso|auth|accounts?)\.[^/]+"
    r"|[^/?#]+/(?:[^?#]*/)?(?:log[-_]?in|sign[-_]?in|wp-login|anmelden|einloggen|connexion|iniciar-sesion|accedi|inloggen|logga-in|zaloguj)"
    r"(?:\.[a-z]{2,5})?/?(?:[?#]|\Z))",
    re.IGNORECASE,
)
#: A consent wall leads to its own rules and to who is behind it; a page with a banner leads to the rest of its site.
_FEW_LINKS = 8


def wall_of(url: str, title: str, heading: str, text: str, own: str, html: str, *, links: int) -> str:
    """Which wall a page is: `challenge`, `maintenance`, `consent`, `gate` (login, age, region), or "" for none.

    `url` is where it was found after all redirects, `heading` is its first h1, `text` all that is visible, `own` what of it is
    outside of links, `html` its source, and `links` how many links it shows.
    """
    if _SIGN_IN.match(url):
        return "gate"
    if len(text[:4_000].split()) >= WORDS:
        return _inside_a_layout(title, heading, own, html)
    said = f"{title}\n{text}"
    if _CHALLENGE.search(html) or _ASKS.search(said):
        return "challenge"
    if _MAINTENANCE.search(said):
        return "maintenance"
    if links <= _FEW_LINKS and _CONSENT.search(text) and _AGREE.search(text):
        return "consent"
    signs_in = any(map(_is_login, (title, heading)))
    return "gate" if signs_in or _GATE.search(said) else ""


def may_be_barred(own: str, html: str) -> bool:
    """Whether a page has words of a wall among its own (`own`: all outside of links), or says itself that it is not for all.

    Pages that are read in full have such words too: it tells something only of a page that had more to say before.
    """
    if _NOT_FREE.search(html):
        return True
    said = _ASIDE.sub(" ", own).lower() if len(own) <= _LONG else ""
    return any(pattern.search(said) for pattern in _OF_A_WALL)


def _inside_a_layout(title: str, heading: str, own: str, html: str) -> str:
    words = len(own.split())
    notices = [one for one in (title, heading) if one and len(one.split()) <= _NOTICE_WORDS and not _ON_IT.match(one)]
    said = notices if words < HEADED else []
    if words < WORDS:
        said.append(_ASIDE.sub(" ", own))
    for name, pattern in (("challenge", _ASKS), ("maintenance", _NOTICE), ("consent", _COOKIES_FIRST), ("gate", _GATE)):
        if any(pattern.search(one) for one in said):
            return name
    if words < HEADED and (_NOT_FREE.search(html) or any(map(_is_login, notices))):
        return "gate"
    return ""


def _is_login(notice: str) -> bool:
    return any(_LOGIN.fullmatch(part.strip()) for part in _BESIDE_A_NAME.split(notice))
