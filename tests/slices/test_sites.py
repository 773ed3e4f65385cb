"""Sites, competitors and pages: what is refused, and by which field."""

from __future__ import annotations

import pytest

from app.db.work import Database
from app.errors import BadInput, Conflict, NotFound
from app.models import Site
from app.sites import service


def acme(db: Database) -> Site:
    with db.work() as uow:
        return service.create(
            uow,
            name="Acme",
            domains=["https://www.Acme.test/x", "acme.test", "acme-old.test"],
            brand_names=["Acme", " "],
        )


def test_domains_are_kept_as_registrable_ones_each_once(db: Database) -> None:
    site = acme(db)
    assert (site.domains, site.brand_names) == (["acme.test", "acme-old.test"], ["Acme"])
    for name, domain, words in (("ACME", "other.test", "name Acme"), ("Other", "blog.acme-old.test", "acme-old.test")):
        with db.work() as uow, pytest.raises(Conflict, match=words):
            service.create(uow, name=name, domains=[domain], brand_names=["x"])


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("name", {"name": " "}),
        ("domains", {"domains": ["co.uk"]}),
        ("domains", {"domains": []}),
        ("domains", {"domains": ["http://"]}),
        ("brand_names", {"brand_names": [" "]}),
    ],
)
def test_a_site_is_refused_by_field(db: Database, field: str, values: dict[str, object]) -> None:
    with db.work() as uow, pytest.raises(BadInput) as refused:
        service.create(uow, **{"name": "A", "domains": ["a.test"], "brand_names": ["A"], **values})  # type: ignore[arg-type]
    assert refused.value.problems[0].field == field


def test_sister_brands_of_a_competitor(db: Database) -> None:
    site = acme(db)
    with db.work() as uow:
        made, _ = service.add_competitor(
            uow, site.id, "rival.test", sisters=["https://www.rival-labs.test/x", "rival.test"]
        )
        assert made.sisters == ["rival-labs.test"]
        assert service.set_sisters(uow, site.id, made.id, ["b.test", "a.test", "b.test"]).sisters == [
            "b.test",
            "a.test",
        ]
        for wrong in ("no domain", site.domains[0]):
            with pytest.raises(BadInput) as caught:
                service.set_sisters(uow, site.id, made.id, [wrong])
            assert [problem.field for problem in caught.value.problems] == ["sisters"]
        with pytest.raises(NotFound):
            service.set_sisters(uow, site.id, 99, [])


def test_more_than_five_competitors_get_an_advice_and_more_than_ten_are_refused(db: Database) -> None:
    site = acme(db)
    with db.work() as uow:
        advice = [service.add_competitor(uow, site.id, f"www.rival{n}.test")[1] for n in range(10)]
        assert [bool(said) for said in advice] == [False] * 5 + [True] * 5
        with pytest.raises(Conflict, match="at most 10"):
            service.add_competitor(uow, site.id, "eleventh.test")
        first = service.competitors(uow, site.id)[0]
        assert first.domain == "rival0.test"
        service.remove_competitor(uow, site.id, first.id)
        assert len(service.competitors(uow, site.id)) == 9
        with pytest.raises(NotFound):
            service.remove_competitor(uow, site.id, first.id)
        with pytest.raises(NotFound):
            service.competitors(uow, 99)


@pytest.mark.parametrize("domain", ["acme.test", "https://blog.acme.test/", "shop.acme-old.test", "com", "", "a b"])
def test_our_own_domain_and_no_domain_are_no_competitors(db: Database, domain: str) -> None:
    site = acme(db)
    with db.work() as uow, pytest.raises(BadInput) as refused:
        service.add_competitor(uow, site.id, domain)
    assert refused.value.problems[0].field == "domain"


def test_the_same_competitor_under_another_host_is_refused(db: Database) -> None:
    site = acme(db)
    with db.work() as uow:
        service.add_competitor(uow, site.id, "rival.test")
        with pytest.raises(Conflict, match="already"):
            service.add_competitor(uow, site.id, "https://blog.rival.test/x")


@pytest.mark.parametrize(
    "url",
    [
        "https://acme.test",
        "https://acme.test/",
        "https://www.acme.test//#top",
        "https://other.test/guide",
        "https://acme.test.evil.test/guide",
        "https://acme.test@evil.test/guide",
        "ftp://acme.test/guide",
        "javascript:alert(1)",
        "/guide",
        "https://acme.test:port/guide",
        "https://acme.test/a guide",
    ],
)
def test_the_homepage_and_what_is_not_ours_cannot_be_promoted(db: Database, url: str) -> None:
    site = acme(db)
    with db.work() as uow, pytest.raises(BadInput) as refused:
        service.add_page(uow, site.id, url, title="Guide")
    assert refused.value.problems[0].field == "url"


def test_a_page_is_kept_once_and_put_away(db: Database) -> None:
    site = acme(db)
    with db.work() as uow:
        page = service.add_page(uow, site.id, " https://Blog.ACME.test/Guide?x=1#top", title=" Guide ")
        assert (page.url, page.title) == ("https://blog.acme.test/Guide?x=1", "Guide")
        with pytest.raises(Conflict):
            service.add_page(uow, site.id, "https://blog.acme.test/Guide?x=1", title="Guide")
        with pytest.raises(BadInput):
            service.add_page(uow, site.id, "https://acme.test/other", title="")
        service.archive_page(uow, site.id, page.id)
        assert service.pages(uow, site.id) == []
        assert len(service.pages(uow, site.id, archived=True)) == 1
        with pytest.raises(NotFound):
            service.archive_page(uow, 99, page.id)
