"""What a writer added to a conversation: quotes, lines above quotes and signatures of many programs and languages."""

import pytest

from app.domain.reply_text import new_text
from tests.support.growth import LINEAR, growth, repeated

CASES = {
    "gmail": ("Sure.\n\nBest regards,\nAnna\nEditor\n\nOn Mon, 5 Jan 2026 at 10:00, Bob <b@ours.example> wrote:\n> Hi\n> there", "Sure."),
    "gmail wrapped": ("Yes.\n\nOn Mon, Jan 5, 2026 at 10:00 AM Some Very Long Name From Marketing\n<b@ours.example> wrote:\n\n> Hi", "Yes."),
    "german": ("Ja, gerne.\n\nViele Grüße\nUte\n\nAm 05.01.2026 um 10:00 schrieb Bob <b@ours.example>:\n> Hallo", "Ja, gerne."),
    "french": ("Oui.\n\nLe lun. 5 janv. 2026 à 10:00, Bob <b@ours.example> a écrit :\n\n> x", "Oui."),
    "spanish wrapped": ("Hola, claro\n\nEl lun, 5 ene 2026 a las 10:00, Bob (<b@ours.example>)\nescribió:\n\n> x", "Hola, claro"),
    "italian wrapped": ("Ok.\n\nIl giorno lun 5 gen 2026 alle ore 10:00 Bob <b@ours.example> ha\nscritto:\n> x", "Ok."),
    "portuguese": ("Sim.\n\nEm seg., 5 de jan. de 2026 às 10:00, Bob <b@ours.example>\nescreveu:\n> x", "Sim."),
    "dutch": ("Prima.\n\nOp ma 5 jan 2026 om 10:00 schreef Bob <b@ours.example>:\n> x", "Prima."),
    "polish": ("Tak.\n\npon., 5 sty 2026 o 10:00 Bob <b@ours.example> napisał(a):\n\n> x", "Tak."),
    "swedish": ("Bra.\n\nDen mån 5 jan. 2026 kl 10:00 skrev Bob <b@ours.example>:\n\n> x", "Bra."),
    "russian": ("Да.\n\nпн, 5 янв. 2026 г. в 10:00, Bob <b@ours.example>:\n> x", "Да."),
    "turkish": ("Tamam\n\nBob <b@ours.example>, 5 Oca 2026 Pzt, 10:00 tarihinde şunu yazdı:\n> x", "Tamam"),
    "japanese": ("了解しました。\n\n2026年1月5日(月) 10:00 Bob <b@ours.example>:\n> x", "了解しました。"),
    "chinese": ("好的\n\n在 2026年1月5日，10:00，Bob <b@ours.example> 写道：\n> x", "好的"),
    "korean": ("네\n\n2026년 1월 5일 (월) 오전 10:00, Bob <b@ours.example>님이 작성:\n> x", "네"),
    "outlook header block": ("Yes\n\nFrom: Bob <b@ours.example>\nSent: Monday\nTo: Anna\nSubject: Hi\n\nold", "Yes"),
    "outlook french": ("Oui.\n\n________________________________\nDe : Bob <b@ours.example>\nEnvoyé : lundi\nÀ : Anna\nObjet : Hi\n\nold", "Oui."),
    "outlook bold labels": ("Yes\n\n*From:* Bob\n*Sent:* Monday\n*To:* Anna\n*Subject:* Hi\n\nold", "Yes"),
    "original message": ("ok then\n\n-----Original Message-----\nfoo", "ok then"),
    "phone": ("ok\n\nSent from my iPhone\n\n> On 5 Jan 2026, at 10:00, Bob <b@ours.example> wrote:\n>\n> hi", "ok"),
    "quote without marks": ("Yes please.\n\nOn 5 Jan 2026, at 10:00, Bob <b@ours.example> wrote:\n\nHi Anna,\nwould you?", "Yes please."),
    "zoho": ("Sure, done.\n\n---- On Tue, 03 Mar 2026 09:14:00 +0100 Bob <b@ours.example> wrote ----\n\nHi Anna,\nwould you add it?", "Sure, done."),
    "zoho german": ("Ja.\n\n---- Am Di, 03 März 2026 09:14:00 +0100 Bob <b@ours.example> schrieb ---\n> Hallo", "Ja."),
    "dashes are no quote": ("One thing -- I wrote it in 2026 --\nand it is live.", "One thing -- I wrote it in 2026 --\nand it is live."),
    "between the lines": ("On 5 Jan 2026, Bob <b@ours.example> wrote:\n\n> Would you?\n\nYes.\n\n> And this?\n\nNo.\n-- \nAnna", "Yes.\n\nNo."),
    "signature mark": ("Fine.\n-- \nAnna\nEditor", "Fine."),
    "thanks and more is no signature": ("Thanks,\nAlso, could you send the price?", "Thanks,\nAlso, could you send the price?"),
    "only thanks": ("Thanks!", "Thanks!"),
    "a colon is no quote": ("Two things about 5 pages:\nfirst this", "Two things about 5 pages:\nfirst this"),
    "only a quote": ("> hello\n> there", ""),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_keeps_what_the_writer_added(name: str) -> None:
    text, expected = CASES[name]
    assert new_text(text) == expected
    assert new_text(text.replace("\n", "\r\n")) == expected


HOSTILE = {
    "on": "On ",
    "on lines": "On \n",
    "on wrote": "On wrote:\n",
    "new lines": "\n",
    "dashes": "-",
    "dash lines": "--\n",
    "rules": "_" * 499 + "\n",
    "mixed rules": "-_=* ",
    "quotes": ">",
    "quote lines": ">\n",
    "from lines": "From: x\n",
    "from": "From ",
    "colons": ":",
    "wide colons": "：",
    "stars": "*",
    "blanks": " ",
    "thanks": "Thanks,\n",
    "long on lines": "On " + "x" * 490 + "\n",
    "addresses": "<a@b.example> ",
    "dates": "2026-01-05 10:00 ",
    "original": "-----Original Message-----",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_is_linear_on_hostile_text(name: str) -> None:
    # The libraries that mail programs use take minutes here.
    assert growth(new_text, repeated(HOSTILE[name]), 130_000) < LINEAR
