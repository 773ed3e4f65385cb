"""`gapbridge mail inspect`: one JSON object a line, an error for each file that cannot be read, and the exit code."""

import json
import subprocess
import sys
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"


def inspect(*files: str) -> subprocess.CompletedProcess[str]:
    code = "import sys; from app.cli import main; sys.exit(main())"
    return subprocess.run(
        [sys.executable, "-c", code, "mail", "inspect", *files], capture_output=True, text=True, timeout=60, check=False
    )


def test_prints_one_object_a_line() -> None:
    done = inspect(str(CORPUS / "bounce/qmail.eml"), str(CORPUS / "reply/ja.eml"), str(CORPUS / "auto-reply/de.eml"))
    assert done.returncode == 0, done.stderr
    bounce, reply, absent = (json.loads(line) for line in done.stdout.splitlines())
    assert bounce["kind"] == "bounce"
    assert bounce["bounce"]["permanent"] is True
    assert bounce["bounce"]["recipients"] == ["anna@editor.test"]
    assert bounce["bounce"]["status"] == "5.1.1"
    assert "unknown user" in bounce["bounce"]["diagnostic"]
    assert (reply["kind"], reply["bounce"], reply["returns_on"]) == ("reply", None, None)
    assert reply["text"] == "ありがとうございます。ぜひ追加したいです。"
    assert absent["returns_on"] == "2026-12-07"
    assert all(found["file"] and found["rule"] for found in (bounce, reply, absent))


def test_an_unreadable_file_is_named_and_the_others_are_printed(tmp_path: Path) -> None:
    empty = tmp_path / "empty.eml"
    empty.write_bytes(b"\n")
    done = inspect(str(tmp_path / "none.eml"), str(empty), str(tmp_path), str(CORPUS / "reply/no.eml"))
    assert done.returncode == 2
    assert [json.loads(line)["kind"] for line in done.stdout.splitlines()] == ["reply"]
    assert "none.eml: No such file" in done.stderr
    assert "empty.eml: the file is empty" in done.stderr
    assert len(done.stderr.splitlines()) == 3
