"""What the installation remembers outside of its database: a small file that a restored database cannot have turned back.

The file knows its own birth (inode and time of creation, which no copy can take along), so a copied data folder is known
as a copy. It is always written in place: a new file would be another one.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

_ROOM = 512
_AT_FDCWD, _STATX_BTIME = -100, 0x800


@dataclass(frozen=True, slots=True)
class Witness:
    """The installation's id, its generation (grows with each release), its heartbeat, and the newest attempt to send."""

    identity: str
    generation: int
    ticks: int
    attempts: int
    birth: str = ""


def birth_of(path: Path) -> str:
    """The mark of a file that a copy of it does not have: `inode` or `inode/nanoseconds of its creation`; "" without a file."""
    try:
        found = os.stat(path)
    except OSError:
        return ""
    born = _created(path)
    return f"{found.st_ino}/{born}" if born else str(found.st_ino)


def same_birth(one: str, other: str) -> bool:
    """Whether two marks are of one file. Where a file system does not tell when a file was made, the inode decides."""
    first, second = one.split("/"), other.split("/")
    return all(a == b for a, b in zip(first, second, strict=False))


def _created(path: Path) -> int | None:
    # os.stat does not tell it on Linux. `struct statx` of statx(2): mask at 0, creation time at 80 (seconds, nanoseconds).
    try:
        statx = ctypes.CDLL(None, use_errno=True).statx
    except (OSError, AttributeError):
        return None
    buffer = ctypes.create_string_buffer(256)
    if statx(_AT_FDCWD, os.fsencode(path), 0, _STATX_BTIME, buffer) != 0:
        return None
    raw = buffer.raw
    if not int.from_bytes(raw[0:4], "little") & _STATX_BTIME:
        return None
    return int.from_bytes(raw[80:88], "little", signed=True) * 10**9 + int.from_bytes(raw[88:92], "little")


def read(path: Path) -> Witness | None:
    """What the file says, or None when there is none that can be read."""
    try:
        said = json.loads(path.read_text())
        return Witness(
            str(said["identity"]),
            int(said["generation"]),
            int(said["ticks"]),
            int(said["attempts"]),
            str(said["birth"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write(path: Path, witness: Witness, *, anew: bool = False) -> None:
    """Note `witness`; within one generation of one installation numbers only grow, whoever writes. Raises OSError.

    `anew` replaces what stands there (a first start, a release).
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        known = None if anew else read(path)
        birth = birth_of(path) if known is None else known.birth
        ticks, attempts = witness.ticks, witness.attempts
        if known is not None and (known.identity, known.generation) == (witness.identity, witness.generation):
            ticks, attempts = max(ticks, known.ticks), max(attempts, known.attempts)
            if (ticks, attempts) == (known.ticks, known.attempts):
                return
        made = Witness(witness.identity, witness.generation, ticks, attempts, birth)
        # One write of one length: a reader sees the old text or the new one.
        os.pwrite(handle, json.dumps(asdict(made)).ljust(_ROOM - 1).encode() + b"\n", 0)
    finally:
        os.close(handle)
