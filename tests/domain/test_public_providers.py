"""At a public mail provider two addresses are two people."""

from __future__ import annotations

import pytest

from app.domain.public_providers import is_public


@pytest.mark.parametrize(
    "domain",
    ["gmail.com", "yahoo.ca", "yahoo.com.ar", "yahoo.co.in", "hotmail.nl", "live.co.uk", "outlook.ie", "gmx.fr", "msn.com",
     "aol.de", "yandex.com.tr", "rocketmail.com", "tuta.com", "web.de", "t-online.de", "bigpond.com"],
)  # fmt: skip
def test_anybody_gets_an_address_there(domain: str) -> None:
    assert is_public(domain)


@pytest.mark.parametrize(
    "domain",
    ["editor.test", "live.agency", "outlook.news", "mylive.com", "yahoo.press", "liveinternet.ru", "gmx.co.test"],
)
def test_a_house_of_its_own(domain: str) -> None:
    assert not is_public(domain)
