"""The rules of the installation that are saved on their page: they hold in every process, and the environment goes before."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import event

from app.commands import serve
from app.container import Container
from app.errors import Stale
from app.installation.rules import SAVABLE, save
from app.models import InstallationRule, Role
from app.settings import Settings
from app.web.words import RULE_WORDS
from tests.support.brokers import until
from tests.support.http import House
from tests.web.test_team_pages import post


@pytest.fixture
def second(settings: Settings) -> Iterator[Container]:
    """Another process on the same database."""
    made = Container(settings)
    yield made
    made.close()


def printed(page: str) -> dict[str, str]:
    """The fields of the rules as their form stands on a page."""
    found = {}
    for field in re.findall(r"<input [^>]+>", page):
        name, value = (re.search(rf'{word}="([^"]*)"', field) for word in ("name", "value"))
        if name and value:
            found[name[1]] = html.unescape(value[1])
    for name, options in re.findall(r'<select [^>]*name="(\w+)".*?>(.*?)</select>', page, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected', options)
        assert chosen, name
        found[name] = chosen[1]
    return {name: value for name, value in found.items() if name.removeprefix("was-") in SAVABLE}


def test_a_rule_is_saved_and_holds_in_every_process(house: House, second: Container) -> None:
    boss = house.browser(Role.OPERATOR)
    given = {"reply_within": "6", "was-reply_within": "4", "undo_window": "90", "was-undo_window": "60"}
    assert post(boss, "/settings", **given).headers["location"] == "/settings?did=saved"
    assert 'name="reply_within" type="text" value="6"' in boss.get("/settings").text
    assert "Empty: 90." in boss.get("/me").text
    assert second.settings.reply_within == timedelta(hours=4)
    second.rules.refresh(second.db)
    assert (second.settings.reply_within, second.settings.undo_window) == (timedelta(hours=6), timedelta(seconds=90))
    assert second.settings.classify_within == timedelta(hours=2)
    assert "changed the rules of the installation" in boss.get("/audit").text
    # The default again is what a later version of the application may change.
    post(boss, "/settings", **{"reply_within": "4", "was-reply_within": "6"})
    second.rules.refresh(second.db)
    assert second.settings.reply_within == timedelta(hours=4)
    assert second.settings.undo_window == timedelta(seconds=90)


def test_who_saves_second_sees_what_differs_and_a_wrong_value_is_named(house: House) -> None:
    boss = house.browser(Role.OPERATOR)
    post(boss, "/settings", **{"not_now_days": "45", "was-not_now_days": "30"})
    first = {**printed(boss.get("/settings").text), "was-not_now_days": "30"}
    late = post(boss, "/settings", **{**first, "not_now_days": "60"})
    assert late.status_code == 409
    assert re.search(r'<th scope="row">Days until a not-now comes back</th><td>45</td>\s*<td>60</td>', late.text)
    assert late.text.count("<td>60</td>") == 1
    assert house.container.settings.not_now_days == 45
    for name, value, words in (
        ("not_now_days", "0", "Enter a whole number between 1 and 730"),
        ("keep_raw_mail_days", "999999", "Enter a whole number between 1 and 3650"),
        ("contact_cooldown_days", "9" * 30, "Enter a whole number between 0 and 3650"),
        ("ramp_start", "many", "Enter a whole number between 1 and 10000, or none"),
        ("reply_within", "soon", "Enter a number above 0 and at most 8760"),
        ("undo_window", "1e9", "Enter a number between 0 and 3600"),
        ("link_lost_after", "inf", "Enter a number between 0 and 8760"),
        ("bounce_pause_rate", "nan", "Enter a number above 0 and at most 100"),
        ("reply_hours", "9", "Enter hours such as 09:00-17:00, in the mailbox&#39;s time zone, or always"),
        ("paid_links", "perhaps", "Choose one of the list"),
    ):
        wrong = post(boss, "/settings", **{name: value, f"was-{name}": ""})
        assert wrong.status_code == 422, name
        assert f'href="#f-{name}">{RULE_WORDS[name]}: {words}' in wrong.text, name
        assert name == "paid_links" or f'value="{value}"' in wrong.text


def test_a_refused_form_saves_nothing_over_what_was_saved_meanwhile(house: House) -> None:
    """Whole forms, as they are printed: what nobody touched in one is what the other has saved."""
    boss = house.browser(Role.OPERATOR)
    first = printed(boss.get("/settings").text)
    assert post(boss, "/settings", **{**first, "not_now_days": "45"}).status_code == 303
    wrong = post(boss, "/settings", **{**first, "agreed_days": "0"})
    assert wrong.status_code == 422
    again = printed(wrong.text)
    assert (again["not_now_days"], again["was-not_now_days"], again["agreed_days"]) == ("30", "30", "0")
    assert post(boss, "/settings", **{**again, "agreed_days": "9"}).status_code == 303
    house.container.rules.refresh(house.db)
    assert (house.container.settings.not_now_days, house.container.settings.agreed_days) == (45, 9)


def test_a_refused_form_still_differs_from_what_was_saved_meanwhile(house: House) -> None:
    boss = house.browser(Role.OPERATOR)
    first = printed(boss.get("/settings").text)
    assert post(boss, "/settings", **{**first, "not_now_days": "45"}).status_code == 303
    wrong = post(boss, "/settings", **{**first, "not_now_days": "60", "agreed_days": "0"})
    # And one more rule that they have left alone.
    assert post(boss, "/settings", **{"ramp_step": "3", "was-ramp_step": first["ramp_step"]}).status_code == 303
    late = post(boss, "/settings", **{**printed(wrong.text), "agreed_days": "9"})
    assert late.status_code == 409
    assert re.search(r"<td>45</td>\s*<td>60</td>", late.text)
    assert late.text.count("<td>60</td>") == 1
    # Shown the difference, they decide.
    assert post(boss, "/settings", **printed(late.text)).status_code == 303
    house.container.rules.refresh(house.db)
    assert (house.container.settings.not_now_days, house.container.settings.agreed_days) == (60, 9)
    assert house.container.settings.ramp_step == 3


def test_what_is_kept_is_short_and_what_this_version_refuses_is_the_default(house: House) -> None:
    boss = house.browser(Role.OPERATOR)
    long = "0" * 80 + "45"
    assert post(boss, "/settings", **{"reply_within": long, "was-reply_within": "4"}).status_code == 303
    house.container.rules.refresh(house.db)
    assert house.container.settings.reply_within == timedelta(hours=45)
    with house.db.work() as uow:
        for name, value in (("not_now_days", "9999"), ("agreed_days", "a week")):
            uow.session.add(InstallationRule(name=name, value=value, saved_by="ana", saved_at=uow.now()))
    given = {"not_now_days": "31", "was-not_now_days": "30", "agreed_days": "9", "was-agreed_days": "7"}
    assert post(boss, "/settings", **given).status_code == 303
    house.container.rules.refresh(house.db)
    assert (house.container.settings.not_now_days, house.container.settings.agreed_days) == (31, 9)
    assert post(boss, "/settings", **{"not_now_days": "30", "was-not_now_days": "31"}).status_code == 303
    with house.db.read() as uow:
        assert uow.session.get(InstallationRule, "not_now_days") is None


def test_an_untouched_form_changes_nothing(house: House, second: Container) -> None:
    """Whatever figure was entered: the field shows all of it."""
    boss = house.browser(Role.OPERATOR)
    given = {
        "reply_within": "25.01694",
        "undo_window": "59.123457",
        "bounce_pause_rate": "3.14159265",
        "link_lost_after": "8759.9999999",
    }
    assert post(boss, "/settings", **given, **{f"was-{name}": "" for name in given}).status_code == 409
    was = {name: re.search(rf'name="was-{name}" value="([^"]*)"', boss.get("/settings").text)[1] for name in given}  # type: ignore[index]
    assert post(boss, "/settings", **given, **{f"was-{name}": text for name, text in was.items()}).status_code == 303
    second.rules.refresh(second.db)
    held = second.settings
    page = boss.get("/settings").text
    fields = {name: re.search(rf'name="{name}" type="text" value="([^"]*)"', page)[1] for name in given}  # type: ignore[index]
    assert fields == given
    assert (
        post(boss, "/settings", **fields, **{f"was-{name}": text for name, text in fields.items()}).status_code == 303
    )
    second.rules.refresh(second.db)
    assert second.settings == held
    assert held.reply_within == timedelta(hours=25.01694)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # In SQLite one transaction writes at a time.
def test_two_first_saves_at_once(house: House) -> None:
    """There is no row that the second could wait for: it is told what the first has kept."""
    rules = house.container.rules

    def first(*_: object) -> None:
        with house.db.work() as other:
            save(other, rules, {"not_now_days": "45"}, {"not_now_days": "30"})

    with house.db.work() as uow:
        event.listen(uow.session, "before_flush", first, once=True)
        with pytest.raises(Stale) as refused:
            save(uow, rules, {"not_now_days": "60"}, {"not_now_days": "30"})
    assert [(one.field, one.theirs, one.yours) for one in refused.value.changes] == [("not_now_days", "45", "60")]


def test_the_environment_goes_before_what_is_saved(settings: Settings) -> None:
    made = House(Settings(_env_file=None, **settings.model_dump(include=settings.model_fields_set), agreed_days=3))
    try:
        boss = made.browser(Role.OPERATOR)
        page = boss.get("/settings").text
        assert 'name="agreed_days"' not in page
        assert re.search(r"GAPBRIDGE_AGREED_DAYS</code> <span[^>]*>set outside, which goes before", page)
        assert re.search(r"GAPBRIDGE_DATA_DIR</code> <span[^>]*>set outside, which goes before", page)
        assert re.search(r"GAPBRIDGE_SITE_DAILY_CAP</code> <span[^>]*>set outside only", page)
        post(boss, "/settings", **{"agreed_days": "9", "was-agreed_days": "3", "data_dir": "/tmp", "was-data_dir": ""})
        with made.db.work() as uow:
            assert uow.session.get(InstallationRule, "agreed_days") is None
            # Saved before the variable was set.
            uow.session.add(InstallationRule(name="agreed_days", value="9", saved_by="ana", saved_at=uow.now()))
        made.container.rules.refresh(made.db)
        assert made.container.settings.agreed_days == 3
        assert 'name="not_now_days"' not in made.browser(Role.LEAD).get("/settings").text
    finally:
        made.close()


def test_who_sees_no_rules_reads_none(house: House) -> None:
    asked: list[str] = []
    event.listen(house.db.read_engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    assert house.browser(Role.VIEWER).get("/settings").status_code == 200
    assert not [one for one in asked if "installation_rule" in one]
    house.browser(Role.OPERATOR).get("/settings")
    assert [one for one in asked if "installation_rule" in one]


def test_a_process_follows_while_it_runs(house: House, second: Container, monkeypatch: pytest.MonkeyPatch) -> None:
    """It reads what was saved before it came, and what another process saves later."""
    monkeypatch.setattr(serve, "EVERY_SECONDS", 0.01)
    boss = house.browser(Role.OPERATOR)
    post(boss, "/settings", **{"not_now_days": "45", "was-not_now_days": "30"})
    with serve._following(second):
        assert second.settings.not_now_days == 45
        post(boss, "/settings", **{"not_now_days": "50", "was-not_now_days": "45"})
        until(lambda: second.settings.not_now_days == 50)
