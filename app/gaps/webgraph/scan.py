"""The passes over a graph: names to ids, links to the targets, ids back to names. Each is one stream with small memory."""

from __future__ import annotations

import json
import os
import re
import struct
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.domain.said import say
from app.errors import BadInput
from app.gaps.webgraph.files import GraphFile

#: One link that was found: id of the source, number of the target.
HIT = struct.Struct("<QH")
_CHECKPOINT_SECONDS = 15.0
_ID = re.compile(rb"\d{1,18}")
_EDGE = re.compile(rb"\d{1,18}\t\d{1,18}")
#: Domains without a link of theirs stand anywhere in a graph. Where none of so large a part at its end has one, the links are cut.
_SILENT_END, _SILENT_LEAST = 100, 50


@dataclass(frozen=True, slots=True)
class Vertices:
    """The ids of the names that were looked for (missing: the graph does not know it), and how many domains there are."""

    ids: Mapping[str, int]
    total: int


def reversed_name(domain: str) -> str:
    """`news.example.com` as the graph writes it: `com.example.news`; the same the other way round."""
    return ".".join(reversed(domain.split(".")))


def find_vertices(file: GraphFile, domains: Sequence[str]) -> Vertices:
    """Look up domains (A-labels) in the vertices file. Raises BadInput where it is not sorted by reversed name, or its ids are not
    the numbers of its lines, by which the links name them."""
    pending = sorted(((reversed_name(domain).encode(), domain) for domain in domains), reverse=True)
    ids: dict[str, int] = {}
    total = 0
    before = b""
    for block in file.blocks():
        (number, first), (number_last, last) = (
            _vertex(file, block, end) for end in (block.find(b"\n"), len(block) - 1)
        )
        if first < before or last < first:
            raise BadInput(
                say("{url}: its lines are not sorted by name; it is not the vertices file of a release.", url=file.url)
            )
        for expected, seen in ((total, number), (total := total + block.count(b"\n"), number_last + 1)):
            if expected != seen:
                raise BadInput(
                    say(
                        "{url}: the domain {name} has the number {seen} where {expected} comes, so the links would be those of other domains; "
                        "take the vertices file of the release as it is, or fetch it again.",
                        url=file.url,
                        name=reversed_name((first if seen == number else last).decode(errors="replace")),
                        seen=seen,
                        expected=expected,
                    )
                )
        before = last
        while pending and pending[-1][0] <= last:
            name, domain = pending.pop()
            at = block.find(b"\t" + name + b"\t")
            if at < 0:
                at = block.find(b"\t" + name + b"\n")
            if at >= 0:
                ids[domain] = _vertex(file, block, block.find(b"\n", at))[0]
    return Vertices(ids, total)


def _vertex(file: GraphFile, block: bytes, end: int) -> tuple[int, bytes]:
    """The id and the name of the line that ends at `end`."""
    line = block[block.rfind(b"\n", 0, end) + 1 : end]
    cells = line.split(b"\t")
    if len(cells) < 2 or not _ID.fullmatch(cells[0]) or not all(map(bytes.isdigit, cells[2:3])):
        raise BadInput(
            say(
                "{url}: the line '{line}' is not 'id, name, hosts' by tabs; take the file as the release has it, or fetch it again.",
                url=file.url,
                line=line[:80].decode(errors="replace"),
            )
        )
    return int(cells[0]), cells[1]


def find_links(
    file: GraphFile,
    targets: Sequence[int],
    hits: Path,
    *,
    domains: int | None = None,
    found: Callable[[int], None] | None = None,
) -> int:
    """Write every link to one of `targets` (vertex ids) to `hits`; return how many there are. `domains` is how many the graph has.

    Beside `hits` lies a checkpoint: a run that was stopped at any moment goes on from it over the same file and targets,
    and the result is the same. Raises BadInput for lines that are not two ids, and where the links of the last domains are missing.
    """
    mark = hits.with_suffix(".checkpoint")
    job = [file.identity, list(targets)]
    start, done = _resume(mark, hits, job)
    pattern = re.compile(b"\t(" + _any_of([b"%d" % one for one in targets]) + b")\n") if targets else None
    number = {b"%d" % one: place for place, one in enumerate(targets)}
    due = time.monotonic() + _CHECKPOINT_SECONDS
    with hits.open("r+b" if hits.exists() else "w+b") as out:
        out.truncate(done * HIT.size)
        out.seek(0, os.SEEK_END)
        block = b""
        for block in file.blocks(start):
            _check_edges(file, block)
            for match in pattern.finditer(block) if pattern else ():
                source = block[block.rfind(b"\n", 0, match.start()) + 1 : match.start()]
                if not _ID.fullmatch(source):
                    raise _no_edge(file, block[block.rfind(b"\n", 0, match.start()) + 1 : match.end() - 1])
                out.write(HIT.pack(int(source), number[match.group(1)]))
                done += 1
            start += len(block)
            if time.monotonic() > due:
                _checkpoint(mark, out.flush, out.fileno(), job, start, done)
                due = time.monotonic() + _CHECKPOINT_SECONDS
                if found:
                    found(done)
        if domains is not None and start == 0:
            raise BadInput(say("{url}: there is no link in it; fetch it again.", url=file.url))
        if domains is not None and block:
            _check_end(file, block, domains)
        _checkpoint(mark, out.flush, out.fileno(), job, start, done)
    return done


def _resume(mark: Path, hits: Path, job: Sequence[object]) -> tuple[int, int]:
    try:
        saved = json.loads(mark.read_text())
        if saved["job"] == job and hits.stat().st_size >= saved["hits"] * HIT.size:
            return int(saved["start"]), int(saved["hits"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return 0, 0


def _checkpoint(
    mark: Path, flush: Callable[[], None], handle: int, job: Sequence[object], start: int, hits: int
) -> None:
    # The hits reach the disk before the place in the file does: a checkpoint never promises what is not there.
    flush()
    os.fsync(handle)
    draft = mark.with_suffix(".draft")
    draft.write_text(json.dumps({"job": job, "start": start, "hits": hits}))
    os.replace(draft, mark)


def _check_edges(file: GraphFile, block: bytes) -> None:
    first, last = block[: block.find(b"\n")], block[block.rfind(b"\n", 0, len(block) - 1) + 1 : -1]
    # To look at each of billions of lines would take long; to count its marks does not.
    if _EDGE.fullmatch(first) and _EDGE.fullmatch(last) and block.count(b"\t") == block.count(b"\n"):
        return
    raise _no_edge(file, next((line for line in block.splitlines() if not _EDGE.fullmatch(line)), first))


def _no_edge(file: GraphFile, line: bytes) -> BadInput:
    return BadInput(
        say(
            "{url}: the line '{line}' is not 'from id, to id' by a tab; take the file as the release has it, or fetch it again.",
            url=file.url,
            line=line[:80].decode(errors="replace"),
        )
    )


def _check_end(file: GraphFile, block: bytes, domains: int) -> None:
    last = int(block[block.rfind(b"\n", 0, len(block) - 1) + 1 :].partition(b"\t")[0])
    if last >= domains:
        raise BadInput(
            say(
                "{url}: its last link is of the domain {last}, and the vertices file has {domains} domains; one of the two is cut or of "
                "another release: fetch both again.",
                url=file.url,
                last=last,
                domains=domains,
            )
        )
    if domains - last > max(_SILENT_LEAST, domains // _SILENT_END):
        raise BadInput(
            say(
                "{url}: its last link is of the domain {last} of {domains}, so the end of the file is missing; fetch it again.",
                url=file.url,
                last=last,
                domains=domains,
            )
        )


def _any_of(words: Sequence[bytes]) -> bytes:
    """A pattern for any of some digit strings, as a trie: its speed hardly depends on their number."""
    trie: dict[int, dict] = {}  # type: ignore[type-arg]
    for word in words:
        node = trie
        for digit in word:
            node = node.setdefault(digit, {})
        node[-1] = {}
    return _pattern(trie)


def _pattern(node: dict[int, dict]) -> bytes:  # type: ignore[type-arg]
    branches = [bytes([digit]) + _pattern(below) for digit, below in sorted(node.items()) if digit >= 0]
    if not branches:
        return b""
    joined = branches[0] if len(branches) == 1 else b"(?:" + b"|".join(branches) + b")"
    return (b"(?:" + joined + b")?") if -1 in node else joined


def name_sources(file: GraphFile, hits: Path) -> Iterator[tuple[str, str, int]]:
    """(reversed name, hosts as text, number of the target) of every hit; both files are sorted by id, so this is one merge."""
    wanted = _hits(hits)
    source, target = next(wanted, (None, 0))
    before = -1
    for block in file.blocks():
        last = int(block[block.rfind(b"\n", 0, len(block) - 1) + 1 :].split(b"\t", 1)[0])
        at = 0
        while source is not None and source <= last:
            if source < before:
                raise BadInput(
                    say("The edges file is not sorted by its first column; it is not the edges file of a release.")
                )
            before = source
            key = b"%d\t" % source
            if not block.startswith(key, at):
                at = block.find(b"\n" + key, max(at - 1, 0)) + 1
                if at == 0:
                    raise BadInput(
                        say(
                            "{url}: there is no domain {source}, which the edges file names; are both of one release?",
                            url=file.url,
                            source=source,
                        )
                    )
            end = block.find(b"\n", at)
            _vertex(file, block, end)
            cells = block[at:end].split(b"\t")
            yield (
                cells[1].decode("ascii", "replace"),
                cells[2].decode("ascii", "replace") if len(cells) > 2 else "",
                target,
            )
            source, target = next(wanted, (None, 0))
        if source is None:
            return
    if source is not None:
        raise BadInput(
            say(
                "{url}: there is no domain {source}, which the edges file names; are both of one release?",
                url=file.url,
                source=source,
            )
        )


def _hits(hits: Path) -> Iterator[tuple[int, int]]:
    with hits.open("rb") as file:
        while block := file.read(HIT.size * 65536):
            yield from HIT.iter_unpack(block)
