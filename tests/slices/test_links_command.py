"""`gapbridge link check`: the verdict on standard output, and an exit code that scripts can rely on."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from app.commands import link
from tests.support.webserver import WebServer, redirect

PAGES = {
    "/linked": '<head><link rel=canonical href="/original"><meta name=robots content=noarchive></head>'
    '<p>We use <a rel="ugc nofollow" href="https://www.acme.example/guide?utm_source=x">the guide</a> daily.</p>',
    "/other": '<p>We use <a href="https://acme.example/else">Acme</a>.</p>',
    "/mention": "<p>First. We use Acme daily. Last.</p>",
    "/nothing": "<p>Nothing of note.</p>",
    "/comment": '<!-- <a href="https://acme.example/guide">x</a> --><p>Nothing.</p>',
}


@pytest.fixture(scope="module")
def server() -> Iterator[WebServer]:
    with WebServer({**PAGES, "/go": redirect("https://acme.example/guide")}) as made:
        made.routes["/via"] = f'<p><a href="http://127.0.0.1:{made.port}/go">it</a></p>'
        made.routes["/fault"] = lambda handler: handler.give("<p>x", status=500)
        yield made


def in_own_process(page: str, *args: str) -> tuple[int, str, str]:
    """The installed command, as a shell would run it."""
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from app.cli import main; sys.exit(main())",
            "link",
            "check",
            "--page",
            page,
            *args,
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"GAPBRIDGE_FETCH_ALLOW_PRIVATE": "1", "PATH": "/usr/bin"},
    )
    return done.returncode, done.stdout, done.stderr


def run(server: WebServer, path: str, *args: str) -> tuple[int, str]:
    cli = typer.Typer()
    link.attach(cli)
    page = f"http://127.0.0.1:{server.port}{path}"
    done = CliRunner().invoke(cli, ["link", "check", "--page", page, *args], env={"GAPBRIDGE_FETCH_ALLOW_PRIVATE": "1"})
    assert done.stderr == ""
    return done.exit_code, done.stdout


def as_json(server: WebServer, path: str, *args: str) -> tuple[int, dict[str, Any]]:
    code, out = run(server, path, *args, "--json")
    return code, json.loads(out)


def test_a_link_is_shown_with_its_evidence(server: WebServer) -> None:
    code, out = run(server, "/linked", "--target", "acme.example")
    assert code == 0
    lines = dict(line.split(":", 1) for line in out.splitlines())
    shown = {name: value.strip() for name, value in lines.items()}
    assert shown["verdict"] == "linked"
    assert shown["link"] == "https://www.acme.example/guide?utm_source=x"
    assert shown["rel"] == "ugc nofollow"
    assert shown["followed"] == "no (nofollow, ugc)"
    assert shown["anchor"] == "the guide"
    assert shown["context"] == "We use the guide daily."
    assert shown["robots"] == "noarchive"
    assert shown["canonical"] == f"http://127.0.0.1:{server.port}/original (another page)"


def test_the_installed_command_exits_the_same(server: WebServer) -> None:
    for path, code in (("/linked", 0), ("/nothing", 1), ("/fault", 3)):
        assert in_own_process(f"http://127.0.0.1:{server.port}{path}", "--target", "acme.example")[0] == code


def test_the_target_may_be_one_page(server: WebServer) -> None:
    code, found = as_json(server, "/linked", "--target", "https://acme.example/guide")
    assert (code, found["verdict"], found["link"]["points_at"]) == (0, "linked", "page")
    code, found = as_json(server, "/other", "--target", "https://acme.example/guide")
    assert (code, found["verdict"]) != (0, "linked")


def test_a_link_through_a_redirect(server: WebServer) -> None:
    code, found = as_json(server, "/via", "--target", "acme.example")
    assert code == 0
    assert found["link"]["target"] == "https://acme.example/guide"
    assert found["link"]["via"] == [f"http://127.0.0.1:{server.port}/go"]


def test_an_unlinked_mention(server: WebServer) -> None:
    code, found = as_json(server, "/mention", "--target", "acme.example", "--brand", "ACME")
    assert (code, found["verdict"]) == (1, "unlinked-mention")
    assert found["mention"] == {"name": "ACME", "quote": "We use Acme daily."}
    code, found = as_json(server, "/mention", "--target", "acme.example", "--brand", "Acme", "--other", "Acme daily")
    assert (code, found["verdict"]) == (1, "no-mention")


@pytest.mark.parametrize("path", ["/nothing", "/comment"])
def test_nothing(server: WebServer, path: str) -> None:
    code, found = as_json(server, path, "--target", "acme.example", "--brand", "Acme")
    assert (code, found["verdict"], found["link"]) == (1, "no-mention", None)
    code, found = as_json(server, path, "--target", "acme.example")
    assert (code, found["verdict"]) == (1, "no-link")


@pytest.mark.parametrize(("path", "reason"), [("/fault", "server-error"), ("/missing", "page-gone")])
def test_could_not_check(server: WebServer, path: str, reason: str) -> None:
    code, found = as_json(server, path, "--target", "acme.example", "--brand", "Acme")
    assert (code, found["verdict"], found["reason"]) == (3, "could-not-check", reason)
    code, out = run(server, path, "--target", "acme.example")
    assert code == 3
    assert f"reason:     {reason}: " in out


def test_metadata_addresses_stay_closed_even_with_private_ones_open() -> None:
    code, out, _ = in_own_process("http://169.254.169.254/latest/meta-data/", "--target", "acme.example")
    assert code == 3
    assert "blocked-address" in out


@pytest.mark.parametrize(
    ("page", "target", "said"),
    [("editor.test/x", "acme.example", "--page: "), ("http://editor.test/", "http://a b/", "--target: ")],
)
def test_bad_input_says_the_fix(page: str, target: str, said: str) -> None:
    code, out, err = in_own_process(page, "--target", target)
    assert code == 2
    assert out == ""
    assert err.startswith(f"error: {said}")
