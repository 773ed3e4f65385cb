"""Settings come from the environment; a bad one is named with its variable, and secrets are never shown."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from typer.testing import CliRunner

import app.cli
from app.errors import BadInput
from app.settings import Settings, load_settings


def test_times_are_seconds_or_iso_durations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAPBRIDGE_IMAP_TIMEOUT", "45.5")
    monkeypatch.setenv("GAPBRIDGE_POLL_INTERVAL", "PT2M")
    settings = Settings(_env_file=None)
    assert settings.imap_timeout == timedelta(seconds=45.5)
    assert settings.poll_interval == timedelta(minutes=2)


def test_a_bad_value_is_named_with_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAPBRIDGE_PORT", "eighty")
    monkeypatch.setenv("GAPBRIDGE_IMAP_TIMEOUT", "soon")
    with pytest.raises(BadInput) as caught:
        load_settings()
    assert {problem.field for problem in caught.value.problems} == {"GAPBRIDGE_PORT", "GAPBRIDGE_IMAP_TIMEOUT"}


@pytest.mark.parametrize("name", ["GAPBRIDGE_POLL_INTERVAL", "GAPBRIDGE_POLL_INTERVAL_QUIET"])
def test_no_mailbox_is_left_alone_for_more_than_a_day(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "86400")
    load_settings()
    monkeypatch.setenv(name, "86401")
    with pytest.raises(BadInput) as caught:
        load_settings()
    assert [problem.field for problem in caught.value.problems] == [name]


def test_the_list_hides_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAPBRIDGE_SECRET_KEY", "hunter2-key")
    monkeypatch.setenv("GAPBRIDGE_DATABASE_URL", "postgresql+psycopg://me:hunter2-db@db.test/x")
    monkeypatch.setenv("GAPBRIDGE_BROKER_URL", "amqp://me:hunter2-broker@mq.test")
    app.cli._attach()
    for arguments in (["settings"], ["settings", "--json"]):
        result = CliRunner().invoke(app.cli.cli, arguments)
        assert result.exit_code == 0
        assert "hunter2" not in result.output
        assert "db.test" in result.output
    rows = {row["name"]: row for row in json.loads(result.output)}
    assert rows["GAPBRIDGE_SECRET_KEY"]["value"] == "[hidden]"
    assert len(rows) == len(Settings.model_fields)
    assert rows["GAPBRIDGE_PORT"]["set"] is False
    assert rows["GAPBRIDGE_DATABASE_URL"]["set"] is True
