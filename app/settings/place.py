"""Where an installation is and what it runs on: folder, database, broker, workers, address, keys, log."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class Place(BaseSettings):
    """The settings of the place."""

    model_config = SettingsConfigDict(env_prefix="GAPBRIDGE_", env_file=".env", extra="ignore", frozen=True)

    data_dir: Path = Field(
        default=Path("var"),
        description="Folder for the embedded database, the snapshots of imported backlinks, and quarantined mail.",
    )
    snapshots: str = Field(
        default="",
        description=(
            "Where imported backlinks lie, as a URL that fsspec knows: s3://bucket/prefix needs s3fs (`.venv/bin/pip install s3fs`) and the usual "
            "AWS_* variables. Empty: `snapshots` in the data folder."
        ),
    )
    database_url: str = Field(
        default="",
        description="SQLAlchemy URL. Empty: SQLite in the data folder. PostgreSQL: postgresql+psycopg://user@host/name.",
    )
    broker_url: str = Field(
        default="memory://",
        description="Where jobs are rung: memory:// (workers in the web process), redis://host/0 or amqp://host.",
    )
    broker_namespace: str = Field(
        default="gapbridge", description="Prefix of the queues, so that two installations can share one broker."
    )
    embedded_workers: bool | None = Field(
        default=None,
        description="Whether `gapbridge serve` runs the workers itself. Unset: yes with memory://, no otherwise.",
    )
    worker_threads: int = Field(default=4, ge=1, le=64, description="Jobs that one worker process runs at a time.")
    sweep_seconds: float = Field(
        default=15.0, gt=0, description="Seconds between two looks of the clock at the due rows of the database."
    )
    host: str = Field(default="127.0.0.1", description="Address that `gapbridge serve` listens on.")
    port: int = Field(default=8321, ge=0, le=65535, description="Port that `gapbridge serve` listens on.")
    public_url: str = Field(
        default="http://127.0.0.1:8321",
        description="Address under which people and mail reach this installation; opt-out links start with it. Forms of the app are "
        "taken under this name, under localhost, and under any IP address, and under no other name.",
    )
    api_rate: int = Field(
        default=1200,
        ge=0,
        description="Calls a minute that one API key may make of one server process; more are answered with 429 and Retry-After. "
        "0: no limit.",
    )
    trusted_proxies: Annotated[list[str], NoDecode] = Field(
        default_factory=list,
        description="Addresses or networks of the proxies in front, as 127.0.0.1,10.0.0.0/8: what they write into X-Forwarded-For "
        "is taken for the caller's address, which limits tries to sign in. Empty: nobody's, the peer itself is the caller.",
    )
    secret_key: SecretStr = Field(
        default=SecretStr(""),
        description="Key for mailbox passwords, sessions and opt-out tokens. Empty: made once and kept in the data "
        "folder (file `secret.key`, mode 0600). Several, by comma or line: the first encrypts and signs, all are accepted.",
    )
    installation_id: str = Field(
        default="",
        description="Identity of the installation that a further worker belongs to, where it does not share the data folder "
        "of the others; `gapbridge hold` prints it. Only with PostgreSQL.",
    )
    witness_file: Path | None = Field(
        default=None,
        description="File outside of the database that tells restored data. Unset: `installation.json` in the data folder. "
        "Put it on another disk than the database where you restore whole disks.",
    )
    second_factor_roles: Annotated[list[Literal["outreach", "lead", "operator", "viewer"]], NoDecode] = Field(
        default_factory=list,
        description="Roles that need a second factor, as operator,lead: whoever has none can do nothing but set one up. "
        "Empty: everybody chooses for themselves.",
    )
    log_level: str = Field(default="INFO", description="DEBUG, INFO, WARNING or ERROR.")
    log_json: bool | None = Field(default=None, description="JSON logs. Unset: text on a terminal, JSON elsewhere.")

    @field_validator("second_factor_roles", "trusted_proxies", mode="before")
    @classmethod
    def _split_list(cls, value: object) -> object:
        return [one.strip() for one in value.split(",") if one.strip()] if isinstance(value, str) else value

    @field_validator("trusted_proxies")
    @classmethod
    def _proxies_are_networks(cls, value: list[str]) -> list[str]:
        for one in value:
            ip_network(one)
        return value

    @property
    def resolved_database_url(self) -> str:
        """The database URL with the embedded default filled in."""
        return self.database_url or f"sqlite:///{(self.data_dir / 'gapbridge.sqlite').absolute()}"

    @property
    def runs_embedded_workers(self) -> bool:
        """Whether the web process runs the workers."""
        return self.broker_url.startswith("memory:") if self.embedded_workers is None else self.embedded_workers

    def secret_keys(self) -> list[str]:
        """The keys, newest first; makes and keeps one in the data folder when none is set."""
        return _split(self.secret_key.get_secret_value()) or _kept_keys(self.data_dir)


def _split(keys: str) -> list[str]:
    return [key.strip() for key in keys.replace("\n", ",").split(",") if key.strip()]


def _kept_keys(data_dir: Path) -> list[str]:
    path = data_dir / "secret.key"
    data_dir.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        handle, draft = tempfile.mkstemp(dir=data_dir, prefix=".secret")
        with os.fdopen(handle, "w") as stream:
            stream.write(secrets.token_urlsafe(32) + "\n")
        # A link is made whole or not at all: of two processes that start together, one wins and both read the same key.
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        os.unlink(draft)
    return _split(path.read_text())
