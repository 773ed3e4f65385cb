"""The key of a site as SQL: what the engine can decide by itself, and what it has to ask `app.keys`.

Nearly every host ends in a suffix of one label, or in one of two that no longer rule touches: the engine takes the last two
or three labels itself, row by row, without leaving its own threads. The rest (other scripts, paths that belong to people,
wildcard rules, platforms' own sites, what is no host at all) is asked in Python, each distinct text once.
"""

from __future__ import annotations

from functools import cache
from importlib import resources

from app.domain.keys import PATH_TENANTS, TENANT_HOSTS, TENANT_LABELS, ascii_labels
from app.gaps.engine import Engine
from app.keys import registrable_domain, site_key

#: A provisional key that the engine could not decide begins with this; no host does.
ASK = "?"

_ASK_FIRST = 0


@cache
def _suffixes() -> tuple[set[str], dict[str, int], set[str]]:
    """From the list and our tables: suffixes of one label, what to take after two labels, and three that no count decides."""
    data = resources.files("publicsuffixlist").joinpath("public_suffix_list.dat").read_text(encoding="utf-8")
    rules = [line.strip() for line in data.splitlines()]
    rules = [rule for rule in rules if rule and not rule.startswith("//")]
    rules = [rule if rule.isascii() else ascii_labels(rule) or rule for rule in rules]
    rules += TENANT_HOSTS
    single: set[str] = set()
    takes: dict[str, int] = {}
    deep: set[str] = {".".join(host.split(".")[-3:]) for host in PATH_TENANTS if host.count(".") > 1}
    for rule in rules:
        # Every name below a wildcard is a suffix of its own, and an exception is a name like that: no count of labels helps.
        wild = rule.startswith(("*.", "!"))
        labels = rule.removeprefix("*.").removeprefix("!").split(".")
        two = ".".join(labels[-2:])
        if len(labels) == 1:
            single.add(labels[0] if not wild else "")
        elif len(labels) == 2:
            takes[two] = _ASK_FIRST if wild else min(takes.get(two, 3), 3) if takes.get(two) != 2 else 3
        else:
            deep.add(".".join(labels[-3:]))
            takes.setdefault(two, 2)
    wilds = {rule.removeprefix("*.") for rule in rules if rule.startswith("*.")}
    return single - wilds - {""}, takes, deep


def load_suffixes(engine: Engine) -> None:
    """Put the suffixes where `keyed` finds them."""
    single, takes, deep = _suffixes()
    engine.run("CREATE OR REPLACE TABLE plain_suffix AS SELECT unnest(?) AS suffix", [sorted(single)])
    engine.run("CREATE OR REPLACE TABLE deep_suffix AS SELECT unnest(?) AS deep", [sorted(deep)])
    engine.run(
        "CREATE OR REPLACE TABLE ending AS SELECT unnest(?) AS ending, unnest(?)::TINYINT AS take",
        [list(takes), list(takes.values())],
    )
    engine.run("CREATE OR REPLACE TABLE asked (site VARCHAR, key VARCHAR)")


#: A label that needs no second look.
_LABEL = "[a-z0-9_][a-z0-9_-]*"

_PLATFORM = " OR ".join(
    f"starts_with(two, '{label}.') OR starts_with(three, '{label}.')" for label in sorted(TENANT_LABELS)
)


def keyed(rows: str) -> str:
    """SQL for `rows` with a column `named`: the key, or ASK and the site where Python has to be asked; null without a site."""
    return rf"""(SELECT * EXCLUDE (two, last, ending, take, suffix, three, deep, plain), CASE
            WHEN plain AND suffix IS NOT NULL AND take IS NULL AND NOT coalesce({_PLATFORM}, false) THEN two
            WHEN plain AND suffix IS NOT NULL AND take = 2 AND deep IS NULL AND NOT coalesce({_PLATFORM}, false) THEN two
            WHEN plain AND suffix IS NOT NULL AND take = 3 AND deep IS NULL AND three <> ''
                AND NOT (starts_with(three, 'www.') OR starts_with(three, 'm.') OR {_PLATFORM}) THEN three
            WHEN site IS NULL OR site = '' THEN NULL
            ELSE '{ASK}' || site END AS named
        FROM (SELECT *, CASE WHEN take > 0 THEN regexp_extract(site, '[^.]+\.[^.]+\.[^.]+$') END AS three
            FROM (SELECT *, substr(two, instr(two, '.') + 1) AS last
                FROM (SELECT *, CASE WHEN strlen(site) >= 250 THEN false WHEN strlen(site) = strlen(two) THEN two <> ''
                    ELSE regexp_full_match(site, '{_LABEL}(\.{_LABEL})+') END AS plain
                    FROM (SELECT *, regexp_extract(site, '{_LABEL}\.{_LABEL}$') AS two FROM ({rows}))))
            LEFT JOIN ending ON two = ending LEFT JOIN plain_suffix ON last = suffix)
        LEFT JOIN deep_suffix ON three = deep)"""


def ask(engine: Engine, relation: str) -> None:
    """Look up every undecided `named` of `relation` that is not in `asked` yet."""
    found = engine.run(
        f"SELECT DISTINCT named FROM {relation} WHERE starts_with(named, '{ASK}') AND named NOT IN (SELECT site FROM asked)"
    )
    if found:
        names = [named for (named,) in found]
        keys = [_key_of(named.removeprefix(ASK)) for named in names]
        engine.run("INSERT INTO asked SELECT unnest(?), unnest(?)", [names, keys])


def _key_of(site: str) -> str | None:
    return site_key(site) if "/" in site else registrable_domain.__wrapped__(site)


def resolved(engine: Engine, relation: str) -> str:
    """SQL for `relation` (which has `named`) with its final `key`; null where the source names no site. `ask` comes first."""
    if not engine.run("SELECT 1 FROM asked LIMIT 1"):
        return f"(SELECT *, named AS key FROM {relation})"
    return f"""(SELECT part.*, CASE WHEN starts_with(named, '{ASK}') THEN asked.key ELSE named END AS key
        FROM {relation} part LEFT JOIN asked ON named = asked.site)"""
