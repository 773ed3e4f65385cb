"""Golden pages of editors in six languages, all made up for this: whom to write to, marked as author or role, and whom not.

Each case is the pages of one site and what a careful person would take from them, in the order of its worth.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import pytest

from app.contacts.reading import read_pages
from app.fetch.memory import MemoryFetcher, page

START = "https://editor.test/blog/guide"


@dataclass(frozen=True)
class Case:
    """`takes` are (address, name or "", "author", "role" or ""); `pages` go by path, the first is the page that links."""

    takes: list[tuple[str, str, str]]
    pages: dict[str, str] = field(default_factory=dict)


def ld(**thing: object) -> str:
    return f'<script type="application/ld+json">{json.dumps({"@context": "https://schema.org", **thing})}</script>'


def by(name: str, **more: object) -> str:
    return ld(**{"@type": "Article", "headline": "A guide", "author": {"@type": "Person", "name": name, **more}})


def at(start: str, takes: list[tuple[str, str, str]], **others: str) -> Case:
    names = {name.replace("_", "/"): text for name, text in others.items()}
    return Case(takes, {"blog/guide": start, **names})


COMMENTS = '<p>A guide.</p><ol class="commentlist"><li>{}</li></ol>'
CASES: dict[str, Case] = {
    # English
    "en: byline and author page": at(
        '<p>By <a rel="author" href="/by/jane">Jane Doe</a></p>', [("jane.doe@editor.test", "Jane Doe", "author")],
        by_jane='<h1>Jane Doe</h1><p>Reach her at jane.doe@editor.test or <a href="/contact">us</a>.</p>',
    ),
    "en: contact page has roles only": at(
        '<a href="/contact">Contact us</a>', [("editors@editor.test", "", "role"), ("press@editor.test", "", "role")],
        contact="<p>Stories: editors@editor.test</p><p>Press: press@editor.test</p>",
    ),
    "en: masthead": at(
        '<a href="/masthead">Masthead</a>',
        [("ruth@editor.test", "Ruth Grey", ""), ("tips@editor.test", "", "role")],
        masthead='<p>Editor in chief: <a href="mailto:ruth@editor.test">Ruth Grey</a></p><p>tips@editor.test</p>',
    ),
    "en: a graph points to its person": at(
        ld(**{"@graph": [
            {"@type": "Article", "author": {"@id": "https://editor.test/#/person/1"}},
            {"@type": "Person", "@id": "https://editor.test/#/person/1", "name": "Seán O’Brien", "url": "/by/sean"},
        ]}),
        [("sean.obrien@editor.test", "Seán O’Brien", "author")],
        by_sean="<p>sean.obrien@editor.test</p>",
    ),
    "en: who comments is no author": at(
        by("Jane Doe", url="/by/jane") + COMMENTS.format("<b>Bob Smith</b> says: write me at bob.smith@mail.test")
        + ld(**{"@type": "Article", "comment": [{"@type": "Comment", "author": {"@type": "Person", "name": "Bob Smith"}}]}),
        [],
    ),
    "en: a commenter in the author's name": at(
        by("Jane Doe") + COMMENTS.format("This is Jane, my new address is jane.doe@evil.test"), [],
    ),
    "en: a photographer is no author": at(
        ld(**{"@type": "Article", "author": {"@type": "Person", "name": "Jane Doe"},
              "image": {"@type": "ImageObject", "creator": {"@type": "Person", "name": "Sam Poe"}}})
        + "<p>Photo: sam.poe@mail.test</p><p>jane@editor.test</p>",
        [("jane@editor.test", "Jane Doe", "author")],
    ),
    "en: written out with wide marks": at("<p>jane＠editor．test</p>", [("jane@editor.test", "", "")]),
    "en: AT and DOT": at("<p>jane.doe [AT] editor (DOT) test</p>", [("jane.doe@editor.test", "", "")]),
    "en: a group is nobody to greet": at(
        '<meta name="author" content="Editor Staff"><p>staff@editor.test</p>', [("staff@editor.test", "", "role")],
    ),
    "en: title before the name": at(
        by("Dr. Jane Doe, PhD") + "<p>jdoe@editor.test</p>", [("jdoe@editor.test", "Dr. Jane Doe, PhD", "author")],
    ),
    "en: a feed of many names its item's author": at(
        '<link rel="alternate" type="application/rss+xml" href="/feed"><p>A guide.</p>',
        [("jane.doe@editor.test", "Jane Doe", "author"), ("bob.smith@editor.test", "Bob Smith", "")],
        feed="<rss><channel><item><link>https://editor.test/other</link><author>bob.smith@editor.test (Bob Smith)</author></item>"
        f"<item><link>{START}</link><author>jane.doe@editor.test (Jane Doe)</author></item></channel></rss>",
    ),
    "en: a feed of others names no author": at(
        '<link rel="alternate" type="application/rss+xml" href="/feed"><p>A guide.</p>',
        [("bob.smith@editor.test", "Bob Smith", ""), ("ann@editor.test", "Ann Lee", "")],
        feed="<rss><channel><item><link>https://editor.test/a</link><author>bob.smith@editor.test (Bob Smith)</author></item>"
        "<item><link>https://editor.test/b</link><author>ann@editor.test (Ann Lee)</author></item></channel></rss>",
    ),
    # German
    "de: Impressum": at(
        '<a href="/impressum">Impressum</a>', [("m.koehler@editor.test", "", ""), ("info@editor.test", "", "role")],
        impressum="<p>Verantwortlich: Martin Köhler</p><p>m.koehler@editor.test</p><p>E-Mail: info@editor.test</p>",
    ),
    "de: Umlaut im Namen": at(
        by("Jürgen Müßig") + "<p>juergen.muessig@editor.test</p>",
        [("juergen.muessig@editor.test", "Jürgen Müßig", "author")],
    ),
    "de: Umlaut ohne e": at(by("Björn Öberg") + "<p>bjorn.oberg@editor.test</p>", [("bjorn.oberg@editor.test", "Björn Öberg", "author")]),
    "de: Datenschutzbeauftragte": at(
        '<a href="/impressum">Impressum</a>', [("redaktion@editor.test", "", "role")],
        impressum="<p>Redaktion: redaktion@editor.test</p><p>Datenschutzbeauftragte:<br>Klara Klug<br>klug@editor.test</p>",
    ),
    "de: Agentur im Impressum": at(
        '<a href="/impressum">Impressum</a>', [("kontakt@editor.test", "", "role")],
        impressum="<p>kontakt (at) editor (punkt) test</p><p>Webdesign: hallo@agentur.test</p>",
    ),
    "de: von und zu": at(
        by("Anna von der Heide") + "<p>anna.vonderheide@editor.test</p>",
        [("anna.vonderheide@editor.test", "Anna von der Heide", "author")],
    ),
    "de: Doppelname": at(
        by("Karl-Heinz Meier-Vogt") + "<p>karl-heinz.meier@editor.test</p><p>kontakt@editor.test</p>",
        [("karl-heinz.meier@editor.test", "Karl-Heinz Meier-Vogt", "author"), ("kontakt@editor.test", "", "role")],
    ),
    "de: Klammeraffe": at("<p>eva [ät] editor [punkt] test</p>", [("eva@editor.test", "", "")]),
    # French
    "fr: mentions légales": at(
        '<a href="/mentions-legales">Mentions légales</a>', [("contact@editor.test", "", "role")],
        **{"mentions-legales": "<p>Directeur : Luc Petit</p><p>contact@editor.test</p><p>Hébergeur : abuse@hote.test</p>"},
    ),
    "fr: nom accentué": at(
        by("Hélène Lefèvre") + "<p>helene.lefevre@editor.test</p>", [("helene.lefevre@editor.test", "Hélène Lefèvre", "author")],
    ),
    "fr: prénom composé": at(
        by("Jean-Pierre Dupont") + "<p>jpdupont@editor.test</p>", [("jpdupont@editor.test", "Jean-Pierre Dupont", "author")],
    ),
    "fr: apostrophe": at(
        by("Jean d’Ormesson") + "<p>jean.dormesson@editor.test</p>", [("jean.dormesson@editor.test", "Jean d’Ormesson", "author")],
    ),
    "fr: arobase": at("<p>claire [arobase] editor [point] test</p>", [("claire@editor.test", "", "")]),
    "fr: délégué à la protection": at(
        '<a href="/contact">Nous contacter</a>', [("bonjour@editor.test", "", "role")],
        contact="<p>bonjour@editor.test</p><p>Délégué à la protection des données : paul.roux@editor.test</p>",
    ),
    "fr: commentaire": at(by("Luc Petit") + '<div id="commentaires"><p>luc.petit@autre.test</p></div>', []),
    # Spanish
    "es: dos apellidos": at(
        by("José García López") + "<p>jose.garcia@editor.test</p>", [("jose.garcia@editor.test", "José García López", "author")],
    ),
    "es: quiénes somos": at(
        '<a href="/quienes-somos">Quiénes somos</a>', [("lucia@editor.test", "Lucía Peña", ""), ("redaccion@editor.test", "", "role")],
        **{"quienes-somos": '<a href="mailto:lucia@editor.test">Lucía Peña</a><p>redaccion@editor.test</p>'},
    ),
    "es: arroba y punto": at("<p>Escribe a maria.ruiz arroba editor punto test</p>", [("maria.ruiz@editor.test", "", "")]),
    "es: aviso legal": at(
        '<a href="/aviso-legal">Aviso legal</a>', [("hola@editor.test", "", "role")],
        **{"aviso-legal": "<p>hola@editor.test, privacidad@editor.test, noreply@editor.test</p>"},
    ),
    "es: correo propio fuera": at(
        by("Íñigo Nuñez") + "<p>inigo.nunez@correo.test y otra.persona@correo.test</p>",
        [("inigo.nunez@correo.test", "Íñigo Nuñez", "author")],
    ),
    "es: protección de datos": at(
        '<a href="/contacto">Contacto</a>', [("contacto@editor.test", "", "role")],
        contacto="<p>contacto@editor.test</p><p>Delegado de protección de datos:<br>rosa@editor.test</p>",
    ),
    # What stands close to an address and is none of it, and an address that is cut into pieces
    "icon of a font": at(
        '<a href="mailto:info@editor.test"><i class="material-icons">email</i>info@editor.test</a>', [("info@editor.test", "", "role")],
    ),
    "icon without a link": at('<p><span class="material-icons">mail</span>ada@editor.test</p>', [("ada@editor.test", "", "")]),
    "labels beside it": at("<p><span>E-Mail</span><span>ada@editor.test</span><span>Tel</span></p>", [("ada@editor.test", "", "")]),
    "in pieces": at("<p>ada<b>.</b>neri<span>@</span>editor<i>.test</i></p>", [("ada.neri@editor.test", "", "")]),
    "no address": at("<p>You can find us at editor dot test, or meet me at ada dot test.</p>", []),
    # Portuguese
    "pt: fale conosco": at(
        '<a href="/fale-conosco">Fale conosco</a>', [("contato@editor.test", "", "role")],
        **{"fale-conosco": "<p>contato (arroba) editor (ponto) test</p>"},
    ),
    "pt: partículas": at(
        by("João da Silva Santos") + "<p>joao.santos@editor.test</p>", [("joao.santos@editor.test", "João da Silva Santos", "author")],
    ),
    "pt: quem somos": at(
        '<a href="/quem-somos">Quem somos</a>', [("ines@editor.test", "Inês Conceição", "")],
        **{"quem-somos": '<a href="mailto:ines@editor.test">Inês Conceição</a>'},
    ),
    "pt: encarregado": at(
        '<a href="/contato">Contato</a>', [("imprensa@editor.test", "", "role")],
        contato="<p>imprensa@editor.test</p><p>Encarregado de dados: rui@editor.test</p>",
    ),
    "pt: armadilha": at('<p style="display:none">isca@editor.test</p><p>ana@editor.test</p>', [("ana@editor.test", "", "")]),
    # Italian
    "it: chi siamo": at(
        '<a href="/chi-siamo">Chi siamo</a>', [("nicolo@editor.test", "Nicolò D'Angelo", ""), ("redazione@editor.test", "", "role")],
        **{"chi-siamo": '<a href="mailto:nicolo@editor.test">Nicolò D\'Angelo</a> <span>redazione@editor.test</span>'},
    ),
    "it: chiocciola": at("<p>giulia chiocciola editor punto test</p>", [("giulia@editor.test", "", "")]),
    "it: apostrofo": at(by("Marco D'Angelo") + "<p>m.dangelo@editor.test</p>", [("m.dangelo@editor.test", "Marco D'Angelo", "author")]),
    "it: note legali": at(
        '<a href="/note-legali">Note legali</a>', [("segreteria@editor.test", "", "role")],
        **{"note-legali": "<p>segreteria@editor.test</p><p>Responsabile della protezione dei dati: Ada Neri, neri@editor.test</p>"},
    ),
    "it: il fotografo": at(
        by("Ada Neri") + ld(**{"@type": "ImageObject", "creator": {"@type": "Person", "name": "Ugo Foto"}})
        + "<p>ugo.foto@posta.test</p>", [],
    ),
    # Names of elsewhere
    "pl: Łukasz": at(by("Łukasz Żółć") + "<p>lukasz.zolc@editor.test</p>", [("lukasz.zolc@editor.test", "Łukasz Żółć", "author")]),
    "no: Sørensen": at(by("Åse Sørensen") + "<p>ase.sorensen@mail.test</p>", [("ase.sorensen@mail.test", "Åse Sørensen", "author")]),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_golden_page_gives_the_contacts_that_a_person_would_take(name: str) -> None:
    case = CASES[name]
    pages = {}
    for path, text in case.pages.items():
        url = f"https://editor.test/{path}"
        kind = {"content-type": "application/rss+xml"} if path == "feed" else {}
        pages[url] = page(url, text, headers=kind)
    reading = read_pages(MemoryFetcher(pages), "editor.test", START, 6)
    taken = [
        (one.email, one.name, "author" if one.author else "role" if one.role_address else "")
        for one in reading.found
        if not one.refused
    ]
    assert taken == case.takes
    assert all(one.url in pages for one in reading.found), "an address without the page that shows it"


def test_the_pages_are_enough() -> None:
    assert len(CASES) >= 40
    languages = {name.partition(":")[0] for name in CASES}
    assert {"en", "de", "fr", "es", "pt", "it"} <= languages
