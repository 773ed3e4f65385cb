"""`gap discover`: a generated graph in the files of a release, against the links that were put into it."""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import fsspec
import fsspec.implementations.memory
import pytest
from sqlmodel import select

from app.clock import SystemClock
from app.db.work import Database
from app.errors import BadInput
from app.gaps.webgraph import files, scan
from app.gaps.webgraph.discover import Discovered, authority, discover
from app.gaps.webgraph.files import GraphFile, find_release
from app.jobs import SilentDispatcher
from app.models import Prospect
from app.sites import service as sites
from tests.support.commands import Shell
from tests.support.webgraph import Graph, make_graph

TARGETS = ["rival.com", "us.com", "us.co.uk", "bücher.de", "rival1.com", "unknown.example"]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    # Many blocks in a small file: each border between two is a place where a line could be lost.
    monkeypatch.setattr(files, "BLOCK", 256)
    monkeypatch.setattr(files, "_READ", 64)
    monkeypatch.setattr("isal.igzip.READ_BUFFER_SIZE", 512)


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    return make_graph(tmp_path / "graph")


@pytest.fixture
def far(graph: Graph) -> Iterator[str]:
    """The same release behind a file system that is not this machine's disk."""
    memory = fsspec.filesystem("memory")
    for part in ("vertices", "edges", "ranks"):
        memory.pipe_file(f"/release/g-{part}.txt.gz", Path(f"{graph.prefix}-{part}.txt.gz").read_bytes())
    yield "memory://release/g"
    memory.rm("/release", recursive=True)


def rows_of(one: Discovered) -> dict[str, list[str]]:
    assert one.path is not None
    with one.path.open(newline="", encoding="utf-8") as file:
        head, *rows = csv.reader(file)
    assert head == ["Linking domain", "Authority", "Harmonic position", "Hosts"]
    assert len(rows) == one.linking_domains
    return {row[0]: row[1:] for row in rows}


def assert_right(graph: Graph, found: list[Discovered]) -> None:
    assert [one.target for one in found] == [
        "rival.com",
        "us.com",
        "us.co.uk",
        "xn--bcher-kva.de",
        "rival1.com",
        "unknown.example",
    ]
    for one in found:
        if one.target not in graph.domains:
            assert one.path is None
            continue
        rows = rows_of(one)
        assert set(rows) == graph.linking_to(one.target)
        for domain, (rating, position, hosts) in rows.items():
            assert (int(position), int(hosts)) == (graph.position[domain], graph.hosts[domain])
            assert float(rating) == authority(graph.position[domain], len(graph.domains))


def test_every_link_to_every_target_is_found_with_its_rank(graph: Graph, tmp_path: Path) -> None:
    release = find_release(str(graph.prefix))
    found = discover(release, TARGETS, tmp_path / "work")
    assert_right(graph, found)
    assert sum(one.linking_domains for one in found) > 30
    assert found[0].path is not None
    assert found[0].path.name == "rival.com-refdomains-cc-main-2026-may-jun-jul_2026-07-01.csv"
    # Nothing but the answers is left behind.
    assert {path.suffix for path in (tmp_path / "work").iterdir()} == {".csv"}


def _edited(path: Path, edit: Callable[[str], str]) -> None:
    path.write_bytes(gzip.compress(edit(gzip.decompress(path.read_bytes()).decode()).encode()))


def _shifted(text: str) -> str:
    lines = (line.partition("\t") for line in text.splitlines())
    return "".join(f"{int(number) + 1}\t{rest}\n" for number, _tab, rest in lines)


@pytest.mark.parametrize(
    ("part", "edit", "says"),
    [
        (
            "edges",
            lambda text, one: text + f"abc\t{one}\n",
            r"edges.txt.gz: the line 'abc\t\d+' is not .*fetch it again",
        ),
        ("edges", lambda text, one: text.replace(f"\t{one}\n", f"\t{one}\n-5\t{one}\n", 1), "the line '-5\t"),
        (
            "edges",
            lambda text, one: text.replace(f"\t{one}\n", f" {one}\n"),
            r"the line '\d+ \d+' is not 'from id, to id' by a tab",
        ),
        ("edges", lambda text, _one: text.replace("\n", "\r\n"), "ends as Windows ends lines; .*replace CR LF by LF"),
        ("edges", lambda _text, _one: "", "there is no link in it; fetch it again"),
        (
            "edges",
            lambda text, one: text + f"999999\t{one}\n",
            "its last link is of the domain 999999, .*fetch both again",
        ),
        (
            "vertices",
            lambda text, _one: text.replace("\n", "\r\n"),
            "vertices.txt.gz: the line .* ends as Windows ends lines",
        ),
        ("vertices", lambda text, _one: _shifted(text), "has the number 1 where 0 comes"),
        (
            "vertices",
            lambda text, _one: re.sub(r"\t\d+\n", "\tx\n", text),
            "the line '.*x' is not 'id, name, hosts' by tabs",
        ),
        (
            "ranks",
            lambda text, _one: text + "1\t2\n",
            r"ranks.txt.gz: its line \d+ does not have the columns of its first line",
        ),
    ],
)
def test_a_file_that_is_not_as_the_release_has_it_is_refused_in_a_sentence(
    graph: Graph, tmp_path: Path, part: str, edit: Callable[[str, int], str], says: str
) -> None:
    vertices = gzip.decompress(Path(f"{graph.prefix}-vertices.txt.gz").read_bytes()).decode().splitlines()
    one = next(int(line.split("\t")[0]) for line in vertices if line.split("\t")[1] == "com.rival")
    _edited(Path(f"{graph.prefix}-{part}.txt.gz"), lambda text: edit(text, one))
    with pytest.raises(BadInput, match=says):
        discover(find_release(str(graph.prefix)), ["rival.com"], tmp_path / "work")
    assert not list((tmp_path / "work").iterdir())


def test_links_whose_end_is_missing_are_refused(graph: Graph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "_SILENT_LEAST", 5)
    edges = Path(f"{graph.prefix}-edges.txt.gz")
    lines = gzip.decompress(edges.read_bytes()).decode().splitlines(keepends=True)
    # A file of several members that is cut between two of them is whole to whoever unpacks it.
    edges.write_bytes(gzip.compress("".join(lines[: len(lines) // 2]).encode()))
    with pytest.raises(
        BadInput, match=r"edges.txt.gz: its last link is of the domain \d+ of \d+, so the end of the file is missing"
    ):
        discover(find_release(str(graph.prefix)), ["rival.com"], tmp_path / "work")
    assert not list((tmp_path / "work").iterdir())


@pytest.mark.parametrize("where", ["near", "far"])
def test_a_run_that_is_stopped_anywhere_goes_on_and_ends_with_the_same(
    graph: Graph, far: str, tmp_path: Path, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = find_release(str(graph.prefix) if where == "near" else far)
    monkeypatch.setattr(scan, "_CHECKPOINT_SECONDS", 0.0)
    fetched = 0
    read = fsspec.implementations.memory.MemoryFile.read

    def counting(self: object, *args: int) -> bytes:
        nonlocal fetched
        data: bytes = read(self, *args)
        fetched += len(data)
        return data

    monkeypatch.setattr(fsspec.implementations.memory.MemoryFile, "read", counting)
    stops = 0
    starts: list[int] = []
    blocks = GraphFile.blocks

    def noting(self: GraphFile, start: int = 0) -> Iterator[bytes]:
        if "edges" in self.url:
            starts.append(start)
        return blocks(self, start)

    monkeypatch.setattr(GraphFile, "blocks", noting)
    while True:
        left = 100 + stops * 50

        def pull_the_plug(_step: str, _done: int, _size: int) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                raise KeyboardInterrupt

        try:
            found = discover(release, TARGETS, tmp_path / "work", report=pull_the_plug)
            break
        except KeyboardInterrupt:
            stops += 1
    assert stops >= 5
    assert_right(graph, found)
    assert starts == sorted(starts)
    assert len(set(starts)) > 2
    if where == "far":
        size = sum(Path(f"{graph.prefix}-{part}.txt.gz").stat().st_size for part in ("vertices", "edges", "ranks"))
        # What was fetched lies in the spool, so no byte is fetched again.
        assert fetched == size


def test_a_changed_file_or_other_targets_are_not_mixed_with_an_earlier_run(graph: Graph, tmp_path: Path) -> None:
    edges = GraphFile(f"{graph.prefix}-edges.txt.gz", tmp_path)
    hits = tmp_path / "links.bin"
    assert scan.find_links(edges, [1, 2, 3], hits) == len(hits.read_bytes()) // scan.HIT.size
    first = hits.read_bytes()
    assert scan.find_links(edges, [3], hits) < len(first) // scan.HIT.size
    Path(f"{graph.prefix}-edges.txt.gz").write_bytes(gzip.compress(b"0\t3\n"))
    assert scan.find_links(GraphFile(f"{graph.prefix}-edges.txt.gz", tmp_path), [3], hits) == 1


@pytest.mark.parametrize(
    ("part", "text", "message"),
    [
        ("vertices", b"0\tcom.b\t1\n1\tcom.a\t1\n", "not sorted by name"),
        ("vertices", b"com.a 1\n", "is not 'id, name, hosts' by tabs"),
        ("edges", b"0,1\n", "is not 'from id, to id' by a tab"),
        ("edges", b"0\t1\n99999\t0\n0\t0\n", "there is no domain 99999"),
        ("ranks", b"1\t2\tcom.a\n", "does not begin with a line of column names"),
        ("ranks", b"#pr_pos\t#host_rev\n1\tcom.a\n", "there is no column harmonicc_pos"),
    ],
)
def test_a_file_of_another_kind_is_named_with_its_fault(tmp_path: Path, part: str, text: bytes, message: str) -> None:
    good = {
        "vertices": b"0\tcom.a\t1\n1\tcom.b\t1\n",
        "edges": b"1\t0\n",
        "ranks": b"#harmonicc_pos\t#host_rev\n1\tcom.a\n2\tcom.b\n",
    }
    for name, body in (good | {part: text}).items():
        (tmp_path / f"g-{name}.txt").write_bytes(body)
    release = find_release(str(tmp_path))
    with pytest.raises(BadInput, match=message) as caught:
        discover(release, ["a.com", "b.com"], tmp_path / "work")
    assert part in caught.value.detail or "edges file" in caught.value.detail


def test_a_file_that_ends_in_the_middle_is_no_graph_with_fewer_links(graph: Graph, tmp_path: Path) -> None:
    edges = Path(f"{graph.prefix}-edges.txt.gz")
    edges.write_bytes(edges.read_bytes()[:-200])
    with pytest.raises(BadInput, match="ends in the middle or is damaged"):
        discover(find_release(str(graph.prefix)), TARGETS, tmp_path / "work")


def test_what_is_no_release_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is no vertices file; give a folder with one release"):
        find_release(str(tmp_path / "nothing"))
    for name in ("a-vertices.txt.gz", "b-vertices.txt.gz"):
        (tmp_path / name).touch()
    with pytest.raises(BadInput, match="there are 2 vertices files"):
        find_release(str(tmp_path))
    with pytest.raises(BadInput, match="this kind of address cannot be read here"):
        find_release("nosuch://x/y")


def test_the_scale_of_authority() -> None:
    assert authority(1, 100_000_000) == 100.0
    assert authority(100_000_000, 100_000_000) == 0.0
    assert authority(10_000, 100_000_000) == 50.0
    assert authority(None, 100) is None


@pytest.fixture
def shell(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, database_url: str
) -> Shell:
    made = Shell(monkeypatch, capsys, tmp_path)
    made.set(database_url=database_url, data_dir=tmp_path / "data")
    return made


def test_the_command_without_an_installation(graph: Graph, tmp_path: Path, shell: Shell) -> None:
    ran = shell("gap", "discover", str(graph.prefix), "--target", "rival.com", "--work", str(tmp_path / "w"), "--json")
    assert ran.code == 0, ran.err
    [one] = json.loads(ran.out)["targets"]
    assert one["linking_domains"] == len(graph.linking_to("rival.com"))
    ran = shell("gap", "discover", str(graph.prefix), "--target", "nowhere.example", "--work", str(tmp_path / "w"))
    assert "nowhere.example: not in this graph" in ran.out
    ran = shell("gap", "discover", str(tmp_path / "nothing"), "--target", "rival.com")
    assert ran.code == 2
    assert "there is no vertices file" in ran.err


def test_the_command_feeds_every_site(graph: Graph, shell: Shell, database_url: str) -> None:
    db = Database(database_url, SystemClock(), SilentDispatcher())
    with db.work() as uow:
        for name, own, rivals in (("Us", "us.com", ["rival.com", "rival1.com"]), ("Books", "bücher.de", ["rival.com"])):
            site = sites.create(uow, name=name, domains=[own], brand_names=[name])
            for rival in rivals:
                sites.add_competitor(uow, site.id, rival)
    ran = shell("gap", "discover", str(graph.prefix))
    assert ran.code == 0, ran.err
    with db.read() as look:
        rows = look.session.exec(select(Prospect)).all()
        found = {(row.site_id, row.domain) for row in rows if not row.removed_by}
        sample = next(row for row in rows if row.authority is not None)
    db.dispose()
    to = graph.linking_to
    expected = {(1, one) for one in (to("rival.com") | to("rival1.com")) - to("us.com")}
    expected |= {(2, one) for one in to("rival.com") - to("xn--bcher-kva.de")}
    ours = {(1, "us.com"), (1, "rival.com"), (1, "rival1.com"), (2, "xn--bcher-kva.de"), (2, "rival.com")}
    assert found == expected - ours
    assert sample.authority_provider == "common-crawl"
    # What a graph cannot know stays unknown.
    assert {(row.dofollow, row.traffic, row.best_page) for row in rows} == {(None, None, None)}


def test_the_command_says_which_site_it_could_not_feed(graph: Graph, shell: Shell, database_url: str) -> None:
    db = Database(database_url, SystemClock(), SilentDispatcher())
    with db.work() as uow:
        for name, own in (("New", "nowhere.example"), ("Us", "us.com")):
            site = sites.create(uow, name=name, domains=[own], brand_names=[name])
            sites.add_competitor(uow, site.id, "rival.com")
    db.dispose()
    ran = shell("gap", "discover", str(graph.prefix))
    assert ran.code == 1
    first, second = ran.out.splitlines()[-2:]
    assert first.startswith("site 1: There is no export of our own links (nowhere.example) yet")
    assert second.startswith("Site 2: ")
