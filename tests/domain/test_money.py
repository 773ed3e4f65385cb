"""A price is found in the ways in which people write one, and the price of something else is none of ours."""

from __future__ import annotations

import pytest

from app.domain.inbound import Intent
from app.domain.inbound_intent import intent

PRICES = [
    "We can do that at 85usd.",
    "Sure thing — 75€/yr.",
    "Kostenpunkt: 150,-",
    "El coste son 45€ más IVA",
    "Vi tager 600,- kr.",
    "Det blir 1 500 SEK exkl. moms",
    "Стоит 50 баксов",
    "每条链接200块",
    "링크당 5만원",
    "$1.5k for a permanent link",
    "PKR 20,000 via bank",
    "Happy to add it for EUR 150.",
    "Happy to. USD 100.",
    "Sure, AUD 200 and it is in.",
    "Gern, CHF 120.",
    "Gern für 80,- Euro.",
    "Sure, 50 bucks.",
    "We can do it, ₹5000.",
    "Yes, Rs. 5000 only.",
    "Yes, Rs 5,000/- only",
    "Gerne, 1k euro.",
    "0.5 ETH and it is yours.",
    "ETH 0.5",
    "Yes. 100 quid.",
    "Sure, it's 120 per year.",
    "Sure! Fee: 100",
    "Certo, 100 + IVA.",
    "Oui, 150 HT.",
    "Yes, 200 USDT.",
    "US$150 please.",
    "Sure, 150 US$.",
    "A$200 works.",
    "Sure, 1.200 € netto.",
    "Yes, 1 200 zł.",
    "Ok, 1'000 CHF.",
    "Happy to, 100 pounds.",
    "Ja, 900 kronor.",
    "Ja, 500 kr.",
    "kr 500",
    "Ano, 1500 Kč.",
    "Да, 3000 рублей.",
    "Да, 3 тыс. руб.",
    "Так, 2000 грн.",
    "好的，500元。",
    "可以，100美元。",
    "はい、1万円です。",
    "네, 10만 원입니다.",
    "네, 100달러입니다.",
    "Tamam, 500 TL.",
    "Tamam, 100 dolar.",
    "Evet, 50 avro.",
    "Igen, 20000 Ft.",
    "Da, 300 lei.",
    "Ναι, 50 ευρώ.",
    "Kyllä, 80 euroa.",
    "Claro, 80 dólares.",
    "Claro, 5000 pesos.",
    "Sim, R$ 300.",
    "Sim, 300 reais.",
    "A hundred dollars and it is done.",
    "Für hundert Euro gern.",
    "Pour cent euros, oui.",
    "Sure, $5.",
    "5$ via PayPal",
    "Sure, 80 per link.",
    "Yes: 80/link.",
    "80 pro Beitrag",
    "Price: 90",
    "100 plus VAT",
    "Gern, 100 zzgl. MwSt.",
    "100 excl. btw",
    "SGD 90",
    "HK$ 900",
    "Rp? No: IDR 900000",
    "900 ZAR",
    "₦50000",
    "฿2000",
    "S/? no, 5000 PHP",
    "Tickets for the conference are gone. We add your link for 80 EUR.",
]
OTHERS = [
    "We wrote about the $2 trillion market.",
    "Our raffle prize is $500.",
    "500 words per article is our norm.",
    "Your tool at $19 looks useful!",
    "The 80/20 rule.",
    "Our conference costs EUR 150, come by!",
    "We sold 300 tickets at $40 for the event.",
    "By the way, the tool costs $49 a month.",
    "We get 200 per month of such requests.",
    "We publish 12 per year.",
    "See you on 12 June 2026 at 10.",
    "The page has 120 links.",
    "It is 20 ft long.",
    "We won 3 awards.",
    "PHP 8 broke our page.",
    "Try 2 of them.",
    "I have read 100 articles.",
    "Chapter 10 covers it.",
    "It was 404 for 3 days.",
    "Call +44 20 7946 0000.",
    "Read 80 pages a day.",
    "Version 2.0 is out.",
    "RFC 5321, section 4.5",
    "The link is at number 10 in the list.",
    "We have 5000 readers a month.",
    "I added 2 links per article.",
    "My 2 cents: no.",
    "Give it 1 try.",
    "In 2025 a post linked there.",
    "The Euro 2024 page is old.",
    "Our click rate is 25 %.",
    "We have had 500 visitors a month.",
    "In 2026 a month passed.",
]


@pytest.mark.parametrize("text", PRICES)
def test_a_price_wants_payment_whatever_else_is_said(text: str) -> None:
    assert intent(text)[0] is Intent.WANTS_PAYMENT


@pytest.mark.parametrize("text", OTHERS)
def test_a_number_or_the_price_of_something_else_does_not(text: str) -> None:
    assert intent(text)[0] is not Intent.WANTS_PAYMENT


def test_a_link_that_is_added_beside_the_price_of_something_else_is_a_win() -> None:
    assert intent("Done! The tool that you name costs $49 a month, by the way.")[0] is Intent.INTERESTED
