"""`gapbridge gap analyze` as a person runs it, in a process of its own."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

from app.gaps.tables import GAP_COLUMNS
from tests.support import exports


def gapbridge(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "import sys; from app.cli import main; sys.exit(main())", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def files(tmp_path: Path) -> list[str]:
    ours = exports.search_console_sites(tmp_path / "us.example-Top linking sites-2026-02-03.csv", [("ours.test", 1, 1)])
    rival = exports.ahrefs_backlinks(
        tmp_path / "rival.csv", [exports.link("https://a.test/1", "https://rival.example/")]
    )
    return ["--ours", str(ours), "--competitor", f"rival.example={rival}", "--own-domain", "us.example"]


def test_table_and_summary(tmp_path: Path) -> None:
    out = tmp_path / "gap.csv"
    done = gapbridge("gap", "analyze", *files(tmp_path), "--out", out)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Gaps: 1 (tier 1: 1)" in done.stdout
    with out.open(newline="") as file:
        reader = csv.reader(file)
        assert next(reader) == list(GAP_COLUMNS)
        assert next(reader)[0] == "a.test"
    done = gapbridge("gap", "analyze", *files(tmp_path), "--out", out, "--json")
    summary = json.loads(done.stdout)
    assert (summary["gaps"], summary["out"]) == (1, str(out))
    assert [one["format"] for one in summary["files"]] == ["search-console-sites", "ahrefs-backlinks"]


def test_bad_input_is_one_sentence_and_exit_code_2(tmp_path: Path) -> None:
    for change, message in (
        (["--out", "gap.xlsx"], "the suffix says the format"),
        (["--out", str(tmp_path / "no" / "gap.csv")], "does not exist"),
        (["--out", str(tmp_path / "gap.csv"), "--format", "moz"], "--format moz: no such format"),
        (
            ["--out", str(tmp_path / "gap.csv"), "--format", "other.csv=ahrefs-backlinks"],
            "--format other.csv=ahrefs-backlinks: this is none of the given files; there are ",
        ),
        (["--out", str(tmp_path / "gap.csv"), "--map", "nothing"], "--map nothing: write FIELD=HEADER"),
        (
            ["--out", str(tmp_path / "gap.csv"), "--competitor", f"x.example={tmp_path}/none.csv"],
            "none.csv: there is no such file",
        ),
    ):
        done = gapbridge("gap", "analyze", *files(tmp_path), *change)
        assert done.returncode == 2
        assert message in done.stderr
        assert "Traceback" not in done.stderr
    assert not (tmp_path / "gap.csv").exists()


def test_it_needs_an_out() -> None:
    assert gapbridge("gap", "analyze").returncode == 2
    assert "--out" in gapbridge("gap", "analyze", "--help").stdout
