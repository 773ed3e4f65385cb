"""The gap of a set of files, without a database: who links to competitors and not to us, ranked, with a full account."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from app.domain.said import say
from app.errors import BadInput
from app.gaps import amend, judging, removals, sums, tables
from app.gaps.account import account, date_by_rows, rows_in
from app.gaps.engine import Engine, Export, lists_in
from app.gaps.formats.any_tool import GENERIC
from app.gaps.report import FileReport
from app.gaps.summary import Floors, empty_column, summarise
from app.gaps.textfile import digest
from app.keys import ascii_host, registrable_domain
from app.topics import OurText

MOST_COMPETITORS = 10
ADVISED_COMPETITORS = 5


@dataclass(frozen=True, slots=True)
class Source:
    """One export and what it was given as: `competitor` None means our own links (or, for a matrix, all of its columns)."""

    path: Path
    competitor: str | None = None
    member: str | None = None  # one of the lists in it


@dataclass(slots=True)
class Analysis:
    """The finished table `gap` in `engine` (it lives as long as the block of `analyze`), the reports and the summary."""

    engine: Engine
    competitors: list[str]
    own_domains: list[str]
    files: list[FileReport]
    summary: dict[str, Any] = field(default_factory=dict)
    links: list[tuple[str, str]] = field(
        default_factory=list
    )  # for each file of competitors: SQL of its rows, of their side
    ours: list[tuple[str, FileReport]] = field(default_factory=list)  # the same for our own files, with their reports

    def rows(self, batch: int = 10_000, *, masks: bool = False) -> Iterator[dict[str, Any]]:
        """The table in rank order, one dict a row with the names of GAP_COLUMNS; with `masks` also those of `tables.MASKS`."""
        names = [*tables.GAP_COLUMNS, *(tables.MASKS if masks else ())]
        columns = ", ".join(f'"{name}"' for name in names)
        result = self.engine.stream(f"SELECT {columns} FROM gap")
        while rows := result.fetchmany(batch):
            for row in rows:
                yield dict(zip(names, row, strict=True))


@contextmanager
def analyze(
    ours: Sequence[Path],
    competitors: Sequence[tuple[str | None, Path]],
    *,
    own_domains: Sequence[str] = (),
    formats: Mapping[Path | None, str] = {},
    mapping: Mapping[str, str] | None = None,
    keep: Sequence[str] = (),
    languages: Sequence[str] = (),
    sisters: Sequence[tuple[str, str]] = (),
    floors: Floors = Floors(),
    our_pages: Sequence[OurText] = (),
    look: bool = False,
    memory_limit: str | None = None,
    threads: int | None = None,
    today: date | None = None,
) -> Iterator[Analysis]:
    """Compute the gap. `competitors` are (domain, file); the domain is None only for a matrix, which names its targets itself.

    `formats` says what files are (None: all others) where they do not say it themselves; `mapping` is for those of no tool.
    `keep` names removals that are not applied, `languages` (`en`) are those of the site, `sisters` are (competitor, domain of the same house), `floors` what is counted against.
    `our_pages` are what topics are compared with; `look` judges each gap by its best page (see `judging`), which languages and pages ask for by themselves. A file without a date in its name is dated by what it has seen last, until `today`. Raises BadInput, naming the file or option and the fix. The table lives until the block ends.
    """
    own = [_domain(text, "--own-domain") for text in own_domains]
    for name in keep:
        if name not in removals.names():
            raise BadInput(
                say(
                    "--keep {name}: there is no such removal; there are {names}.",
                    name=name,
                    names=", ".join(removals.names()),
                )
            )
    given = [*ours, *(path for _name, path in competitors)]
    for path in formats:
        if path is not None and path not in given:
            raise BadInput(
                say(
                    "--format {path}={name}: this is none of the given files; there are {files}.",
                    path=path,
                    name=formats[path],
                    files=", ".join(map(str, given)),
                )
            )
    with Engine(threads=threads, **({"memory_limit": memory_limit} if memory_limit else {})) as engine:
        notes: list[str] = []
        mine = _once([Source(path, None, one) for path in ours for one in lists_in(path, _said(path, formats))], notes)
        named = [(_domain(name, "--competitor") if name else None, path) for name, path in competitors]
        theirs = [Source(path, name, one) for name, path in named for one in lists_in(path, _said(path, formats))]
        plan = _Plan(engine, today, own, [source.competitor for source in theirs if source.competitor])
        plan.open_all([*mine, *_once(theirs, notes)], len(mine), formats, mapping)
        plan.notes += notes
        plan.read_all()
        wishes = judging.Wishes(tuple(languages), tuple(our_pages), tuple(keep))
        floors = floors if floors.languages else replace(floors, languages=tuple(languages))
        yield plan.finish(keep, languages, floors, sisters, wishes if look or languages or our_pages else None)


def _said(path: Path, formats: Mapping[Path | None, str]) -> str | None:
    return formats.get(path, formats.get(None))


def _once(sources: Sequence[Source], notes: list[str]) -> list[Source]:
    """The sources without those that hold the bytes of an earlier one for the same domain; only files of one size are compared."""
    kept: list[Source] = []
    for source in sources:
        if source.path.is_file():
            size = source.path.stat().st_size
            same = (source.competitor, source.member)
            alike = [one for one in kept if (one.competitor, one.member) == same and one.path.is_file()]
            alike = [
                one for one in alike if one.path.stat().st_size == size and digest(one.path) == digest(source.path)
            ]
            if alike:
                notes.append(f"{source.path.name}: the same bytes as {alike[0].path.name}; read once")
                continue
        kept.append(source)
    return kept


def _domain(text: str, option: str) -> str:
    host = ascii_host(text)
    if host is None or registrable_domain(host) is None:
        raise BadInput(
            say("{option} {text}: this is no domain name; write it like example.com.", option=option, text=text)
        )
    return host.removeprefix("www.")


@dataclass(slots=True)
class _Read:
    """An opened export with the side of each of its targets: a number, or for a matrix one for each column that counts."""

    export: Export
    side: int | None
    sides: dict[str, int] = field(default_factory=dict)


class _Plan:
    """Who is who among the files, and the order of the work."""

    def __init__(self, engine: Engine, today: date | None, own: list[str], named: list[str]) -> None:
        self.engine, self.today = engine, today
        self.own = list(dict.fromkeys(own))
        self.names = list(dict.fromkeys(named))
        self.reads: list[_Read] = []
        self.notes: list[str] = []

    def open_all(
        self, sources: list[Source], ours: int, formats: Mapping[Path | None, str], mapping: Mapping[str, str] | None
    ) -> None:
        """Open every file once and decide what each of its columns is; refuse what would have to be guessed."""
        matrices: dict[Path, tuple[Export, list[str | None]]] = {}
        for number, source in enumerate(sources):
            real = source.path.resolve()
            if real in matrices:
                matrices[real][1].append(source.competitor)
                continue
            role = "ours" if number < ours else "competitor"
            export = self._open(source, role, _said(source.path, formats), mapping)
            if export.layout.targets:
                matrices[real] = (export, [source.competitor])
            elif role == "competitor" and source.competitor is None:
                raise BadInput(
                    say(
                        "--competitor {path}: say whose links these are, as --competitor DOMAIN={path}.",
                        path=source.path,
                    )
                )
            else:
                self._plain(export, source.competitor)
        for export, wanted_names in matrices.values():
            self._matrix(export, wanted_names)
        own_keys = {registrable_domain(domain) for domain in self.own}
        for name in self.names:
            if registrable_domain(name) in own_keys:
                raise BadInput(
                    say("{name} is given both as our own domain and as a competitor; remove one of the two.", name=name)
                )
        if not self.names:
            raise BadInput(
                say(
                    "There is no competitor: give --competitor DOMAIN=FILE at least once, or a file with "
                    "target columns."
                )
            )
        if not any(read.side == sums.OURS or sums.OURS in read.sides.values() for read in self.reads):
            raise BadInput(
                say(
                    "There is no file with our own links (--ours FILE): without it nobody can say who does "
                    "not link to us."
                )
            )
        if len(self.names) > MOST_COMPETITORS:
            raise BadInput(
                say(
                    "{count} competitors are given; at most {most_competitors} are compared at once.",
                    count=len(self.names),
                    most_competitors=MOST_COMPETITORS,
                )
            )
        if len(self.names) > ADVISED_COMPETITORS:
            self.notes.append(
                f"{len(self.names)} competitors: with more than {ADVISED_COMPETITORS}, hardly anybody links to all."
            )

    def _open(self, source: Source, role: str, wanted: str | None, mapping: Mapping[str, str] | None) -> Export:
        """Open a file; a mapping is for it where it is said to be generic, or where it has the columns of the mapping."""

        def read(mapping: Mapping[str, str] | None) -> Export:
            return self.engine.open(
                source.path, role=role, target=source.competitor, wanted=wanted, mapping=mapping, member=source.member
            )

        if not mapping or wanted not in (None, GENERIC):
            return read(None)
        if wanted == GENERIC:
            return read(mapping)
        try:
            return read(mapping)
        except BadInput as unlike:
            # The table that is mapped may be another one of the files.
            try:
                return read(None)
            except BadInput:
                raise unlike from None

    def _plain(self, export: Export, competitor: str | None) -> None:
        seen = export.target_seen()
        if competitor is None:
            self.reads.append(_Read(export, sums.OURS))
            export.report.target = export.report.target or seen
            if seen and not self.own:
                self.notes.append(f"our own domain is {seen}, as the target column of {export.path.name} says")
                self.own.append(seen)
            elif seen and seen not in {registrable_domain(domain) for domain in self.own}:
                self.notes.append(f"{export.path.name}: most links go to {seen}, which is not given as --own-domain")
            return
        if export.layout.profile.own_only:
            self.notes.append(
                f"{export.path.name}: {export.layout.profile.title} shows only properties that you own; is {competitor} yours?"
            )
        if seen and seen != registrable_domain(competitor):
            self.notes.append(
                f"{export.path.name}: most links go to {seen}, not to {competitor}; is it the right file?"
            )
        self.reads.append(_Read(export, self.names.index(competitor) + 1))

    def _matrix(self, export: Export, named: list[str | None]) -> None:
        """A file with one column a target: ours are named by --own-domain, never assumed to be the first."""
        columns = export.layout.targets
        seen = ", ".join(columns)
        own_keys = {registrable_domain(domain) for domain in self.own}
        read = _Read(export, None, {column: sums.OURS for column in columns if column in own_keys})
        wanted = [name for name in named if name is not None]
        for name in wanted:
            if registrable_domain(name) not in columns:
                raise BadInput(
                    say(
                        "{path}: there is no column for {name}; the target columns are: {seen}.",
                        path=export.path,
                        name=name,
                        seen=seen,
                    )
                )
            read.sides[registrable_domain(name) or name] = self.names.index(name) + 1
        if not wanted or None in named:
            if not read.sides.keys() & own_keys:
                raise BadInput(
                    say(
                        "{path}: which target column is ours? Say it with --own-domain; the target columns are: "
                        "{seen}.",
                        path=export.path,
                        seen=seen,
                    )
                )
            for column in columns:
                if column not in read.sides:
                    self.names += [column] if column not in self.names else []
                    read.sides[column] = self.names.index(column) + 1
        left = [column for column in columns if column not in read.sides]
        if left:
            self.notes.append(f"{export.path.name}: the columns {', '.join(left)} were not asked for and are not used")
        export.report.role = "ours and competitors" if sums.OURS in read.sides.values() else "competitor"
        export.report.target = "|".join(read.sides)
        self.reads.append(read)

    def read_all(self) -> None:
        """Scan every file once into the engine's sums; files of one format for one target are taken as one list of links."""
        sums.create_links(self.engine)
        alike = Counter((read.export.layout.profile.name, read.side) for read in self.reads if not read.sides)
        for number, read in enumerate(self.reads):
            profile = read.export.layout.profile
            sums.register_file(self.engine, number, profile.name, profile.provider)
            self._read(number, read, self._side(read), alone=alike[profile.name, read.side] <= 1)
        sums.decide_keys(self.engine)
        account(self.engine, {number: read.export for number, read in enumerate(self.reads)})
        for number, read in enumerate(self.reads):
            mine = [column for column, side in read.sides.items() if side == sums.OURS]
            if mine and not self.engine.run(f"SELECT 1 FROM link WHERE file = {number} AND side = {sums.OURS} LIMIT 1"):
                self.notes.append(empty_column(read.export.path.name, ", ".join(mine)))

    @staticmethod
    def _side(read: _Read) -> str:
        """SQL for the side of each row."""
        if not read.sides:
            return str(read.side)
        return "CASE target " + " ".join(f"WHEN '{key}' THEN {one}" for key, one in read.sides.items()) + " END"

    def _read(self, number: int, read: _Read, side: str, *, alone: bool) -> None:
        dated = "last_seen" in read.export.layout.fields and read.export.report.as_of is None

        def use(rows: str) -> None:
            if "mention" in read.export.layout.fields:
                read.export.report.mentions = sums.count_mentions(self.engine, rows)
                rows = sums.without_mentions(rows)
            if alone:
                sums.take_in(self.engine, rows, number, side, dated=dated)
                if dated:
                    mine = f"SELECT last_seen FROM link WHERE file = {number}"
                    date_by_rows(self.engine, read.export.report, mine, self.today)
                return
            self.engine.run(f"CREATE OR REPLACE TABLE incoming AS {rows}")
            # A link that stands in two exports of one target is one link: later files bring only what is new.
            seen = f"seen_{read.side}_{read.export.layout.profile.kind}"
            link = "hash(site, source_url, target_url)"
            self.engine.run(f"CREATE TABLE IF NOT EXISTS {seen} (link UBIGINT)")
            fresh = f"SELECT * FROM incoming WHERE {link} NOT IN (SELECT link FROM {seen})"
            sums.take_in(self.engine, fresh, number, side)
            total = int(self.engine.run("SELECT count(*) FROM incoming")[0][0])
            read.export.report.duplicates = total - rows_in(self.engine, number)
            self.engine.run(f"INSERT INTO {seen} SELECT DISTINCT {link} FROM incoming")
            if dated:
                date_by_rows(self.engine, read.export.report, "SELECT last_seen FROM incoming", self.today)

        self.engine.take(
            read.export,
            use,
            lambda: rows_in(self.engine, number) + read.export.report.duplicates + read.export.report.mentions,
        )

    def finish(
        self,
        keep: Sequence[str],
        languages: Sequence[str],
        floors: Floors,
        sisters: Sequence[tuple[str, str]],
        wishes: judging.Wishes | None = None,
    ) -> Analysis:
        """Apply the rules and write the account."""
        listed: dict[str, list[str]] = {}
        for name, sister in sisters:
            key = registrable_domain(name)
            if key is None or key not in {registrable_domain(one) for one in self.names}:
                raise BadInput(
                    say(
                        "--sister {name}={sister}: {name} is no competitor here; there are {names}.",
                        name=name,
                        sister=sister,
                        names=", ".join(self.names),
                    )
                )
            listed.setdefault(key, []).append(_domain(sister, f"--sister {name}="))
        own_keys = [key for domain in self.own if (key := registrable_domain(domain))]
        rival_keys = [key for name in self.names if (key := registrable_domain(name))]
        table = tables.gap_table(
            self.engine, self.names, own_keys, rival_keys, keep=keep, languages=languages, listed=listed
        )
        files = [read.export.report for read in self.reads]
        links = [(read.export.rows, self._side(read)) for read in self.reads if read.side != sums.OURS]
        analysis = Analysis(self.engine, self.names, self.own, files, links=links)
        if wishes is not None:
            judging.judge_gaps(self.engine, links, self.names, wishes)
            amend.apply_judgements(self.engine, languages, keep)
        analysis.summary = summarise(
            self.engine, self.names, self.own, files, table=table, notes=self.notes, floors=floors
        )
        return analysis
