"""How pages of others are read and asked for: the guarded client, contacts, mentions, reasons, verification, paid tools; the digest too."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from app.settings.place import Place
from app.settings.values import PROVIDER_NAMES, Duration


class Pages(Place):
    """The settings of what is read elsewhere."""

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

    web_graph: str = Field(
        default="",
        description="Where a release of Common Crawl's web graph lies that workers read: a folder, or what the names of its files "
        "begin with (a path or a URL).",
    )
    verify_pages: int = Field(
        default=12,
        ge=1,
        le=50,
        description="Most requests to a domain of the web graph that are made to see whether it really links to a competitor.",
    )
    render: bool = Field(
        default=False,
        description="Whether pages that show nothing without scripts are drawn in a headless Chromium. Needs Playwright (`.venv/bin/pip install playwright`).",
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
    def user_agent(self) -> str:
        """The user agent with the public URL filled in."""
        return self.fetch_user_agent.replace("{public_url}", self.public_url)
