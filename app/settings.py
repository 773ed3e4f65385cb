"""Every setting of an installation: environment variables `GAPBRIDGE_*` or a `.env` file. `gapbridge settings` lists them."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import secrets
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from app.domain.pacing import ALWAYS, parse_window
from app.domain.said import say
from app.errors import BadInput, FieldProblem


def _seconds(value: object) -> object:
    # A variable of the environment is text, and pydantic reads text as ISO 8601 only.
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def dns_server(text: str) -> tuple[str, int]:
    """The address and port of a DNS server, from `192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1` or `[2001:db8::1]:5353`."""
    host, mark, port = text.rpartition(":")
    try:
        if not mark or (":" in host and not host.startswith("[")):
            return str(ipaddress.ip_address(text)), 53
        return str(ipaddress.ip_address(host.strip("[]"))), int(port)
    except ValueError:
        raise ValueError(f"'{text}' is no address or address:port of a DNS server") from None


#: The paid tools whose APIs can be pulled (app/gaps/providers).
PROVIDER_NAMES = ("ahrefs", "semrush", "moz", "majestic", "dataforseo", "se-ranking")

Duration = Annotated[timedelta, BeforeValidator(_seconds)]


class Settings(BaseSettings):
    """All settings with their defaults. The description of each field is its documentation (docs/reference/settings.md)."""

    model_config = SettingsConfigDict(env_prefix="GAPBRIDGE_", env_file=".env", extra="ignore", frozen=True)

    data_dir: Path = Field(
        default=Path("var"),
        description="Folder for the embedded database, the snapshots of imported backlinks, and quarantined mail.",
    )
    snapshots: str = Field(
        default="",
        description=(
            "Where imported backlinks lie, as a URL that fsspec knows: s3://bucket/prefix needs `gapbridge[s3]` and the usual "
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
        description="Address under which people and mail reach this installation; opt-out links start with it.",
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

    fetch_timeout: Duration = Field(
        default=timedelta(seconds=20), description="Time for one fetch of somebody's page, redirects included."
    )
    fetch_max_bytes: int = Field(
        default=3_000_000, ge=10_000, description="Bytes of a page that are read, after decompression; the rest is cut."
    )
    fetch_concurrency: int = Field(
        default=64,
        ge=1,
        le=1000,
        description="Pages that one worker process fetches at a time, over all hosts. One host is asked by one fetch at a time, "
        "by all processes together.",
    )
    fetch_full_after: Duration = Field(
        default=timedelta(days=7),
        gt=timedelta(0),
        description="Time after which a page with a link to you is read in full again, however often its server says that it "
        "is unchanged.",
    )
    fetch_user_agent: str = Field(
        default="Gapbridge/0.1 (link checker; +{public_url}/about-this-bot)",
        description="User agent of the page checker. {public_url} is replaced.",
    )
    contact_pages: int = Field(
        default=6,
        ge=0,
        le=20,
        description="Most pages of a prospect that are read to find whom to write to. 0: never look.",
    )
    contact_guess: bool = Field(
        default=False,
        description="Whether addresses of named authors may be guessed by the pattern of their colleagues' addresses when none "
        "was found. A guess is marked as such and unverified; a wrong one reaches nobody or a stranger.",
    )
    digest_mailbox: str = Field(
        default="",
        description="Address of the connected mailbox that sends the digest to your staff. Empty: none; see `system_smtp_host`.",
    )
    system_smtp_host: str = Field(
        default="", description="Mail server for mail to your own staff (the digest). It goes before `digest_mailbox`."
    )
    system_smtp_port: int = Field(default=587, ge=1, le=65535, description="Port of the mail server for mail to staff.")
    system_smtp_security: Literal["tls", "starttls", "none"] = Field(
        default="starttls", description="How it is secured; `none` needs `mail_allow_plaintext`."
    )
    system_smtp_username: str = Field(default="", description="Its user name. Empty: without sign-in.")
    system_smtp_password: SecretStr = Field(
        default=SecretStr(""), description="Password at the mail server for mail to staff."
    )
    system_smtp_from: str = Field(default="", description="Sender of that mail. Empty: the user name.")
    mention_pages: int = Field(
        default=6,
        ge=0,
        le=60,
        description="Most requests by which a prospect's feed and sitemap are searched for a mention when the known pages hold "
        "none, pages that they lead to included. 0: only the known pages are read.",
    )
    search_provider: Literal["none", "searxng", "brave", "google"] = Field(
        default="none", description="Who is asked for pages that name you. `none`: nobody."
    )
    search_url: str = Field(
        default="",
        description="Address of your SearXNG; of another address of Brave's or Google's API. Empty: theirs.",
    )
    brave_key: SecretStr = Field(default=SecretStr(""), description="Key (subscription token) of the Brave Search API.")
    google_search_key: SecretStr = Field(
        default=SecretStr(""), description="API key of Google's Custom Search JSON API (Programmable Search Engine)."
    )
    google_search_engine: str = Field(default="", description="Id (cx) of your Programmable Search Engine.")
    search_a_minute: int = Field(default=20, ge=1, le=600, description="Requests to the search provider in a minute.")
    search_a_day: int = Field(
        default=50, ge=0, description="Requests to the search provider on a day (UTC); over it nobody is asked."
    )
    search_cost: float | None = Field(
        default=None,
        ge=0,
        description="What one request costs you, in your own currency: shown before and counted after. Unset: not known.",
    )
    evidence_pages: int = Field(
        default=14,
        ge=0,
        le=60,
        description="Most requests that the look for a reason makes for one prospect: their page, the page that they link to, "
        "ours, their feed, sitemap and section pages. 0: never look; then only mentions and lost links are proposed.",
    )
    evidence_days: int = Field(
        default=14,
        ge=1,
        le=365,
        description="Days after which a reason that was seen on other pages is looked at again before a pitch may state it.",
    )
    fetch_obey_robots: bool = Field(default=True, description="Whether robots.txt is obeyed when pages are fetched.")
    fetch_allow_private: bool = Field(
        default=False,
        description="Allow pages on private addresses. Only for the sandbox world and for tests: with it on, whoever "
        "controls a page can make this machine fetch its own network.",
    )
    fetch_static_hosts: Annotated[dict[str, str], NoDecode] = Field(
        default_factory=dict,
        description="Host names that are resolved here instead of by DNS, as name=address:port,... (sandbox and tests).",
    )

    verify_pages: int = Field(
        default=12,
        ge=1,
        le=50,
        description="Most requests to a domain of the web graph that are made to see whether it really links to a competitor.",
    )
    render: bool = Field(
        default=False,
        description="Whether pages that show nothing without scripts are drawn in a headless Chromium. Needs the extra `render`.",
    )
    render_browser: str = Field(default="/usr/bin/chromium", description="The Chromium that draws them.")
    render_timeout: Duration = Field(
        default=timedelta(seconds=45), gt=timedelta(0), description="Time for drawing one page, with all that it loads."
    )

    ahrefs_key: SecretStr = Field(default=SecretStr(""), description="Key of the Ahrefs API v3.")
    semrush_key: SecretStr = Field(default=SecretStr(""), description="Key of the Semrush API v3.")
    moz_token: SecretStr = Field(default=SecretStr(""), description="Token of the Moz API.")
    majestic_key: SecretStr = Field(default=SecretStr(""), description="Key of the Majestic API.")
    dataforseo_login: SecretStr = Field(default=SecretStr(""), description="Login of the DataForSEO API.")
    dataforseo_password: SecretStr = Field(default=SecretStr(""), description="Password of the DataForSEO API.")
    seranking_key: SecretStr = Field(default=SecretStr(""), description="Key of the SE Ranking Data API.")
    provider_budgets: Annotated[dict[str, float], NoDecode] = Field(
        default_factory=dict,
        description="What each provider may cost in a calendar month (UTC), in its own unit, as ahrefs=100000,dataforseo=20. "
        "A pull over it is refused; pulls that repeat by themselves need one.",
    )
    provider_urls: Annotated[dict[str, str], NoDecode] = Field(
        default_factory=dict, description="Other addresses of the providers' APIs, as ahrefs=https://proxy.example,..."
    )

    mail_allow_plaintext: bool = Field(
        default=False,
        description="Allow mailboxes without TLS. Only for the sandbox world and for servers on this machine.",
    )
    oauth_redirect_url: str = Field(
        default="",
        description="Where Google and Microsoft send people back after their sign-in. Empty: {public_url}/oauth/callback. "
        "Register exactly this address with them.",
    )
    oauth_google_client_id: str = Field(
        default="", description="Client id of your own OAuth client at Google. Empty: no sign-in with Google."
    )
    oauth_google_client_secret: SecretStr = Field(
        default=SecretStr(""), description="Client secret that belongs to it (Google gives one for every client)."
    )
    oauth_google_authorize_url: str = Field(
        default="https://accounts.google.com/o/oauth2/v2/auth", description="Where people agree, at Google."
    )
    oauth_google_token_url: str = Field(
        default="https://oauth2.googleapis.com/token", description="Where tokens are given out, at Google."
    )
    oauth_google_scopes: str = Field(
        default="https://mail.google.com/ openid email", description="What is asked of Google, by spaces."
    )
    oauth_microsoft_client_id: str = Field(
        default="",
        description="Application (client) id of your own app registration at Microsoft Entra. Empty: no sign-in there.",
    )
    oauth_microsoft_client_secret: SecretStr = Field(
        default=SecretStr(""), description="Its client secret; empty for a public client."
    )
    oauth_microsoft_tenant: str = Field(
        default="common", description="Tenant that may sign in at Microsoft: its id, organizations, or common."
    )
    oauth_microsoft_authorize_url: str = Field(
        default="https://login.microsoftonline.com/{tenant}/oauth2/v2.0/authorize",
        description="Where people agree, at Microsoft. {tenant} is replaced.",
    )
    oauth_microsoft_token_url: str = Field(
        default="https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token",
        description="Where tokens are given out, at Microsoft. {tenant} is replaced.",
    )
    oauth_microsoft_scopes: str = Field(
        default="https://outlook.office.com/IMAP.AccessAsUser.All https://outlook.office.com/SMTP.Send "
        "offline_access openid email",
        description="What is asked of Microsoft, by spaces.",
    )
    oauth_timeout: Duration = Field(
        default=timedelta(seconds=20), description="Time for one answer of a token server; keep it below 50 seconds."
    )
    smtp_timeout: Duration = Field(
        default=timedelta(seconds=60), description="Time for each SMTP step before the final dot."
    )
    smtp_dot_timeout: Duration = Field(
        default=timedelta(seconds=600),
        description="Time to wait for the answer to the final dot (RFC 5321 4.5.3.2.6 asks for ten minutes); a shorter "
        "time makes sends ambiguous that were not.",
    )
    imap_timeout: Duration = Field(default=timedelta(seconds=30), description="Time for each IMAP answer.")
    poll_interval: Duration = Field(
        default=timedelta(seconds=60),
        description="Time between two looks into each mailbox from Monday to Friday between 7 and 20 o'clock (in the time "
        "zone of the mailbox).",
    )
    poll_interval_quiet: Duration = Field(
        default=timedelta(minutes=5), description="The same at night and at weekends."
    )
    poll_threads: int = Field(
        default=8,
        ge=2,
        le=64,
        description="Mailboxes that one worker process looks into at a time, beside its other jobs. Looking is mostly "
        "waiting for mail servers: far more threads than cores make sense.",
    )
    idle_connections: int = Field(
        default=1000,
        ge=0,
        le=10_000,
        description="Connections by which one worker process waits for mail (IMAP IDLE), so that a reply is seen within "
        "seconds; one for each mailbox, shared out between the workers. 0: mailboxes are only polled.",
    )
    idle_connecting: int = Field(
        default=8, ge=1, le=64, description="Waiting connections that one worker process opens at a time."
    )
    idle_renew: Duration = Field(
        default=timedelta(minutes=9),
        gt=timedelta(0),
        le=timedelta(minutes=29),
        description="Time after which an IDLE is ended and begun again, which shows that the server still lives. "
        "RFC 2177 allows 29 minutes at most; networks often forget a silent connection after ten.",
    )
    gate_budget: Duration = Field(
        default=timedelta(seconds=10),
        description="Time that the look into the mailbox may take right before a follow-up; over it, the follow-up waits.",
    )
    lease_seconds: int = Field(default=60, ge=1, description="Seconds for which a worker holds a mailbox.")
    undo_window: Duration = Field(
        default=timedelta(seconds=60), description="Time between approving a pitch and its first chance to leave."
    )
    send_window: str = Field(
        default="09:00-17:00",
        description="Hours in which pitches and follow-ups leave, in the recipient's time zone and on working days of the "
        "recipient's country. `always`: at any time. A site or a prospect may have its own.",
    )
    reply_hours: str = Field(
        default="09:00-17:00",
        description="Hours in which the clock of a received message runs, in its mailbox's time zone, Monday to Friday. "
        "`always`: at any time.",
    )
    reply_within: Duration = Field(
        default=timedelta(hours=4),
        gt=timedelta(0),
        description="Time of `reply_hours` within which a reply that is interested or asks something is answered.",
    )
    reply_within_later: Duration = Field(
        default=timedelta(hours=8),
        gt=timedelta(0),
        description="The same for `wants-payment` and `not-now`; eight hours are one day from nine to five.",
    )
    classify_within: Duration = Field(
        default=timedelta(hours=2),
        gt=timedelta(0),
        description="The same for a message whose class no rule and nobody has found yet.",
    )
    paid_links: Literal["lose", "answer"] = Field(
        default="lose",
        description="What the class `wants-payment` does: give the prospect up (`lose`), or wait for an answer (`answer`).",
    )
    not_now_days: int = Field(default=30, ge=1, le=730, description="Days after which a `not-now` comes back.")
    agreed_days: int = Field(
        default=7, ge=1, le=365, description="Days after which an agreement without a link comes back to the inbox."
    )
    site_daily_cap: int | None = Field(
        default=None, ge=1, description="Pitches and follow-ups that leave for one site on a day (UTC). Unset: no cap."
    )
    recipient_cap: int = Field(
        default=3,
        ge=1,
        description="Pitches and follow-ups that leave for one recipient domain in a period, over all sites and mailboxes. At "
        "public mail providers each address counts for itself.",
    )
    recipient_cap_days: int = Field(default=1, ge=1, le=31, description="Days of the period of `recipient_cap`.")
    ramp_start: int | None = Field(
        default=10,
        ge=1,
        description="Mails that a mailbox connected from now on may send on its first day. Unset (`none`): its whole cap.",
    )
    ramp_step: int = Field(
        default=5, ge=1, description="Mails more on each day after a day of sending, up to the mailbox's cap."
    )
    contact_cooldown_days: int = Field(
        default=90, ge=0, description="Days in which a domain is not pitched again after its last conversation."
    )
    bounce_pause_rate: float = Field(
        default=0.02,
        gt=0,
        le=1,
        description="Share of hard bounces at which a mailbox stops until a person resumes it.",
    )
    complaint_pause_rate: float = Field(
        default=0.001, gt=0, le=1, description="Share of complaints at which a mailbox stops until a person resumes it."
    )
    policy_pause_count: int = Field(
        default=3,
        ge=1,
        description="Refusals by policy (5.7.x) at which a mailbox stops; each one lets it rest for an hour.",
    )
    pause_floor: int = Field(
        default=100, ge=1, description="Messages below which no share of bounces or complaints stops a mailbox."
    )
    pause_window: Duration = Field(
        default=timedelta(days=14), description="Time over which bounces, complaints and refusals are counted."
    )
    dns_resolvers: Annotated[list[str], NoDecode] = Field(
        default_factory=list,
        description="DNS servers that are asked about sending domains and recipients, as address or address:port,... "
        "Empty: those of this machine.",
    )
    dns_timeout: Duration = Field(default=timedelta(seconds=5), description="Time for one question to the DNS.")
    domain_check_interval: Duration = Field(
        default=timedelta(days=1), description="Time between two looks at the DNS records of a sending domain."
    )
    link_check_interval: Duration = Field(
        default=timedelta(days=1), description="Time between two checks of a link that was won."
    )
    link_lost_after: Duration = Field(
        default=timedelta(hours=24), description="Least time between the two good fetches that prove a link lost."
    )
    keep_raw_mail_days: int = Field(
        default=365, ge=1, description="Days for which the bytes of received mail are kept after they were handled."
    )

    @field_validator("site_daily_cap", "ramp_start", mode="before")
    @classmethod
    def _unset(cls, value: object) -> object:
        return None if isinstance(value, str) and value.strip().lower() in ("", "none") else value

    @field_validator("send_window", "reply_hours")
    @classmethod
    def _known_window(cls, value: str) -> str:
        if value != ALWAYS:
            parse_window(value)
        return value

    @field_validator("fetch_static_hosts", mode="before")
    @classmethod
    def _parse_hosts(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        pairs = [pair.strip() for pair in value.split(",") if pair.strip()]
        for pair in pairs:
            if "=" not in pair or ":" not in pair:
                raise ValueError(f"'{pair}' is not name=address:port")
        return dict(pair.split("=", 1) for pair in pairs)

    @field_validator("second_factor_roles", mode="before")
    @classmethod
    def _split_roles(cls, value: object) -> object:
        return [one.strip() for one in value.split(",") if one.strip()] if isinstance(value, str) else value

    @field_validator("dns_resolvers", mode="before")
    @classmethod
    def _parse_resolvers(cls, value: object) -> object:
        servers = [one.strip() for one in value.split(",") if one.strip()] if isinstance(value, str) else value
        for server in servers if isinstance(servers, list) else []:
            dns_server(server)
        return servers

    @field_validator("provider_budgets", "provider_urls", mode="before")
    @classmethod
    def _parse_by_provider(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        pairs = [pair.strip() for pair in value.split(",") if pair.strip()]
        for pair in pairs:
            if pair.partition("=")[0] not in PROVIDER_NAMES or "=" not in pair:
                raise ValueError(f"'{pair}' is not NAME=VALUE with one of {', '.join(PROVIDER_NAMES)}")
        return dict(pair.split("=", 1) for pair in pairs)

    @property
    def resolved_database_url(self) -> str:
        """The database URL with the embedded default filled in."""
        return self.database_url or f"sqlite:///{(self.data_dir / 'gapbridge.sqlite').absolute()}"

    @property
    def runs_embedded_workers(self) -> bool:
        """Whether the web process runs the workers."""
        return self.broker_url.startswith("memory:") if self.embedded_workers is None else self.embedded_workers

    @property
    def user_agent(self) -> str:
        """The user agent with the public URL filled in."""
        return self.fetch_user_agent.replace("{public_url}", self.public_url)

    @property
    def redirect_url(self) -> str:
        """Where people come back to after they have signed in at a provider."""
        return self.oauth_redirect_url or f"{self.public_url.rstrip('/')}/oauth/callback"

    def secret_keys(self) -> list[str]:
        """The keys, newest first; makes and keeps one in the data folder when none is set."""
        return _split(self.secret_key.get_secret_value()) or _kept_keys(self.data_dir)


def load_settings() -> Settings:
    """The settings of this process; raises BadInput that names each variable with a value that cannot be used."""
    try:
        return Settings()
    except ValidationError as error:
        raise BadInput(
            say("A setting cannot be used; correct the environment or the file .env."),
            *(
                FieldProblem(f"GAPBRIDGE_{str(problem['loc'][0] if problem['loc'] else '').upper()}", problem["msg"])
                for problem in error.errors(include_input=False, include_url=False)
            ),
        ) from error


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
