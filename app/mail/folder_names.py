"""What the folders of a mailbox are for: by the flags of RFC 6154, and by usual names where a server marks no use."""

from __future__ import annotations

from collections.abc import Iterable

from app.mail.ports import FolderName

# Names that providers and mail programs give, where the server marks no use (RFC 6154); compared without case.
_JUNK = frozenset(
    [
        "junk",
        "spam",
        "junk e-mail",
        "junk email",
        "junk-e-mail",
        "junk mail",
        "bulk mail",
        "bulk",
        "spamverdacht",
        "unerwünscht",
        "werbung",
        "courrier indésirable",
        "pourriel",
        "indésirables",
        "correo no deseado",
        "posta indesiderata",
        "lixo eletrônico",
        "lixo eletrónico",
        "ongewenste e-mail",
        "ongewenste mail",
        "skräppost",
        "søppelpost",
        "uønsket e-mail",
        "roskaposti",
        "niechciane",
        "wiadomości-śmieci",
        "nevyžádaná pošta",
        "спам",
        "нежелательная почта",
        "önemsiz",
        "önemsiz e-posta",
        "迷惑メール",
        "垃圾邮件",
        "垃圾郵件",
        "스팸",
        "정크 메일",
    ]
)
_SENT = frozenset(
    [
        "sent",
        "sent items",
        "sent messages",
        "sent mail",
        "sent-mail",
        "outbox/sent",
        "gesendet",
        "gesendete",
        "gesendete elemente",
        "gesendete objekte",
        "gesendete nachrichten",
        "envoyés",
        "éléments envoyés",
        "messages envoyés",
        "objets envoyés",
        "enviados",
        "elementos enviados",
        "mensajes enviados",
        "itens enviados",
        "mensagens enviadas",
        "posta inviata",
        "inviati",
        "inviata",
        "verzonden",
        "verzonden items",
        "verzonden berichten",
        "skickat",
        "skickade objekt",
        "sendt",
        "sendte elementer",
        "sendt post",
        "lähetetyt",
        "wysłane",
        "elementy wysłane",
        "odeslané",
        "odeslaná pošta",
        "отправленные",
        "надіслані",
        "gönderilmiş öğeler",
        "gönderilenler",
        "送信済み",
        "送信済みメール",
        "送信済みアイテム",
        "已发送",
        "已发送邮件",
        "寄件備份",
        "보낸 편지함",
    ]
)
_DRAFTS = frozenset(
    [
        "drafts",
        "draft",
        "entwürfe",
        "brouillons",
        "borradores",
        "rascunhos",
        "bozze",
        "concepten",
        "utkast",
        "kladder",
        "luonnokset",
        "szkice",
        "wersje robocze",
        "koncepty",
        "черновики",
        "чернетки",
        "taslaklar",
        "下書き",
        "草稿",
        "草稿箱",
        "임시 보관함",
    ]
)
_TRASH = frozenset(
    [
        "trash",
        "deleted items",
        "deleted messages",
        "deleted",
        "bin",
        "papierkorb",
        "gelöschte elemente",
        "gelöschte objekte",
        "corbeille",
        "éléments supprimés",
        "papelera",
        "elementos eliminados",
        "lixeira",
        "itens excluídos",
        "cestino",
        "posta eliminata",
        "prullenbak",
        "verwijderde items",
        "papperskorgen",
        "papirkurv",
        "roskakori",
        "kosz",
        "koš",
        "корзина",
        "кошик",
        "çöp kutusu",
        "ゴミ箱",
        "已删除邮件",
        "휴지통",
    ]
)
_ARCHIVE = frozenset(
    [
        "archive",
        "archives",
        "archived",
        "archiv",
        "archivées",
        "archivo",
        "archivados",
        "arquivo",
        "arquivo morto",
        "archivio",
        "archief",
        "arkiv",
        "arkisto",
        "archiwum",
        "архив",
        "архів",
        "arşiv",
        "アーカイブ",
        "存档",
        "归档",
        "보관함",
    ]
)
# A flag of RFC 6154, the names beside it, and the role; INBOX is found by its name alone.
_ROLES = (
    ("\\junk", _JUNK, "junk"),
    ("\\sent", _SENT, "sent"),
    ("\\drafts", _DRAFTS, "drafts"),
    ("\\trash", _TRASH, "trash"),
    ("\\archive", _ARCHIVE, "archive"),
    ("\\all", frozenset[str](), "all"),
)
# Views of other folders: what lies in them is read there.
_VIEWS = frozenset(("\\flagged", "\\important"))
# Beside the one that the server has marked, other mail programs file into folders of their own (an iPhone into "Sent
# Messages"), and what lies there is ours as well. The marked one, or the first, is the one that copies are looked for in.
_SEVERAL = frozenset(("archive", "sent", "drafts"))
# Far above what people have; an account with more is read where its mail arrives.
MOST_FOLDERS = 500


def roles_of(listed: Iterable[tuple[frozenset[str], str, str]]) -> list[FolderName]:
    """The folders that can be opened, INBOX first, each with its role; what is listed is (flags in lower case, delimiter, name).

    One folder at most is junk, trash or all. Of sent mail and drafts the marked one comes first, and what is named like one
    is another. An archive may have folders of its own (Thunderbird makes one a
    year), which are archives, too; names count at the top or right below INBOX only, where mail programs make them.
    """
    rows = [
        (flags, delimiter, name)
        for flags, delimiter, name in listed
        if flags.isdisjoint(("\\noselect", "\\nonexistent")) and flags.isdisjoint(_VIEWS) and name.casefold() != "inbox"
    ]
    taken: dict[str, str] = {}
    roles: dict[str, str] = {"INBOX": "inbox"}
    for flag, _, role in _ROLES:
        for flags, _, name in rows:
            if flag in flags and name not in roles and (role not in taken or role == "archive"):
                taken[role], roles[name] = name, role
    for _, names, role in _ROLES:
        for _, delimiter, name in rows:
            if name in roles or (role in taken and role not in _SEVERAL):
                continue
            parents, _, last = name.rpartition(delimiter) if delimiter else ("", "", name)
            if last.casefold() in names and (role != "archive" or parents.casefold() in ("", "inbox", "[gmail]")):
                taken[role], roles[name] = name, role
    archives = [name for name, role in roles.items() if role == "archive"]
    for _, delimiter, name in rows:
        if name not in roles:
            below = delimiter and any(name.startswith(parent + delimiter) for parent in archives)
            roles[name] = "archive" if below else "other"
    found = [FolderName(name, role) for name, role in roles.items()]
    return sorted(found, key=lambda folder: (folder.role != "inbox", folder.role == "other"))[:MOST_FOLDERS]
