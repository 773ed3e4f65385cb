"""A local authorization server with the habits of the big ones: PKCE, exact redirect addresses, rotated refresh tokens.

    with oauth_server() as server:
        Settings(**server.settings())
        back = server.agree(begun.authorize_url)     # what the browser's address bar shows afterwards
        server.owner(access_token)                   # whose token it is, for servers that check it; None when dead

A refresh token is good for one use. One that comes twice revokes everything (RFC 9700 4.14.2), so a client that spends
one in two workers is found out. `introspection_url` answers as RFC 7662 asks, for Dovecot.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

CLIENT, CLIENT_SECRET = "client-of-the-tests", "client-secret-of-the-tests"
REDIRECT = "http://127.0.0.1:8321/oauth/callback"


@dataclass
class OAuthServer:
    """What the server knows, and how it behaves."""

    url: str = ""
    account: str = "ana@acme.test"  # who is signed in at the provider's page
    redirects: list[str] = field(default_factory=lambda: [REDIRECT])
    lifetime: int = 3600
    rotates: bool = True
    agrees: bool = True
    grants: str | None = None  # scopes that are given instead of those asked for
    gives_refresh: bool = True
    tells_account: bool = True
    down: bool = False
    hurried: bool = False
    slow: float = 0.0
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    refresh: dict[str, str] = field(default_factory=dict)  # live refresh token -> account
    spent: set[str] = field(default_factory=set)
    access: dict[str, tuple[str, float]] = field(default_factory=dict)  # token -> (account, until)
    refreshed: int = 0
    refusals: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def settings(self, name: str = "google", **values: Any) -> dict[str, Any]:
        """The settings with which an installation uses this server as `name`."""
        return {
            f"oauth_{name}_client_id": CLIENT,
            f"oauth_{name}_client_secret": CLIENT_SECRET,
            f"oauth_{name}_authorize_url": f"{self.url}/authorize",
            f"oauth_{name}_token_url": f"{self.url}/token",
            "public_url": "http://127.0.0.1:8321",
            **values,
        }

    @property
    def introspection_url(self) -> str:
        return f"{self.url}/introspect"

    def agree(self, authorize_url: str) -> str:
        """Open the address as a browser would, agree, and return where the browser is sent (not followed)."""

        class Stay(urllib.request.HTTPRedirectHandler):
            def redirect_request(self, *_: Any) -> None:
                return None

        try:
            urllib.request.build_opener(Stay).open(authorize_url, timeout=10)
        except urllib.error.HTTPError as answer:
            with answer:
                if answer.code == 302:
                    return str(answer.headers["Location"])
                raise AssertionError(f"{answer.code}: {answer.read().decode()}") from None
        raise AssertionError("the provider has shown a page")

    def owner(self, token: str) -> str | None:
        account, until = self.access.get(token, ("", 0.0))
        return account if until > time.time() else None

    def revoke(self) -> None:
        """The person takes the permission away (or changes the password)."""
        self.refresh.clear()
        self.access.clear()

    def revoke_access(self) -> None:
        """Access tokens die before their time; the refresh token lives."""
        self.access.clear()

    # --- the endpoints ------------------------------------------------------------------------------------------------

    def authorize(self, asked: dict[str, str]) -> tuple[int, str]:
        redirect = asked.get("redirect_uri", "")
        if asked.get("client_id") != CLIENT or redirect not in self.redirects:
            return 400, f"Error 400: redirect_uri_mismatch {redirect}"
        back: dict[str, str] = {"state": asked.get("state", "")}
        if asked.get("response_type") != "code" or asked.get("code_challenge_method") != "S256":
            back["error"] = "invalid_request"
        elif not self.agrees:
            back |= {"error": "access_denied", "error_description": "The user said no"}
        else:
            code = secrets.token_urlsafe(16)
            self.codes[code] = {**asked, "account": self.account}
            back["code"] = code
        return 302, f"{redirect}?{urlencode(back)}"

    def token(self, sent: dict[str, str]) -> tuple[int, dict[str, Any]]:
        time.sleep(self.slow)
        with self._lock:
            if self.down:
                return 503, {}
            if self.hurried:
                return self._no(
                    "invalid_grant", "AADSTS50196: the server ended an operation because of a client request loop"
                )
            if sent.get("client_id") != CLIENT or sent.get("client_secret") != CLIENT_SECRET:
                return self._no("invalid_client", "unknown client")
            if sent.get("grant_type") == "authorization_code":
                return self._exchange(sent)
            if sent.get("grant_type") == "refresh_token":
                return self._renew(sent.get("refresh_token", ""))
            return self._no("unsupported_grant_type", "")

    def _exchange(self, sent: dict[str, str]) -> tuple[int, dict[str, Any]]:
        kept = self.codes.pop(sent.get("code", ""), None)
        if kept is None:
            return self._no("invalid_grant", "unknown or used code")
        if kept["redirect_uri"] != sent.get("redirect_uri"):
            return self._no("redirect_uri_mismatch", "not the address of the request")
        digest = hashlib.sha256(sent.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != kept["code_challenge"]:
            return self._no("invalid_grant", "PKCE verification failed")
        return 200, self._give(kept["account"], kept["scope"], first=True)

    def _renew(self, token: str) -> tuple[int, dict[str, Any]]:
        self.refreshed += 1
        account = self.refresh.get(token)
        if account is None:
            if token in self.spent:
                self.revoke()
                return self._no("invalid_grant", "refresh token was used twice; all are revoked")
            return self._no("invalid_grant", "Token has been expired or revoked.")
        return 200, self._give(account, "", first=False, former=token)

    def _give(self, account: str, scope: str, *, first: bool, former: str = "") -> dict[str, Any]:
        access = "at-" + secrets.token_urlsafe(24)
        self.access[access] = (account, time.time() + self.lifetime)
        told: dict[str, Any] = {"access_token": access, "token_type": "Bearer", "expires_in": self.lifetime}
        if first:
            told["scope"] = self.grants if self.grants is not None else scope
            if self.tells_account:
                claims = base64.urlsafe_b64encode(json.dumps({"email": account}).encode()).rstrip(b"=").decode()
                told["id_token"] = f"e30.{claims}.x"
        if (first and self.gives_refresh) or (not first and self.rotates):
            self.refresh.pop(former, None)
            self.spent.add(former)
            made = "rt-" + secrets.token_urlsafe(24)
            self.refresh[made] = account
            told["refresh_token"] = made
        return told

    def _no(self, name: str, description: str) -> tuple[int, dict[str, Any]]:
        self.refusals.append(f"{name}: {description}")
        return 400, {"error": name, "error_description": description}

    def introspect(self, sent: dict[str, str]) -> dict[str, Any]:
        account = self.owner(sent.get("token", ""))
        return {"active": account is not None, "username": account or "", "email": account or ""}


@contextmanager
def oauth_server() -> Iterator[OAuthServer]:
    """A running server on a free port."""
    known = OAuthServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            asked = {name: values[-1] for name, values in parse_qs(parts.query).items()}
            if parts.path == "/introspect":
                self._json(200, known.introspect(asked))
                return
            status, what = known.authorize(asked)
            self.send_response(status)
            if status == 302:
                self.send_header("Location", what)
            self.end_headers()
            if status != 302:
                self.wfile.write(what.encode())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            sent = {name: values[-1] for name, values in parse_qs(body).items()}
            if self.path.startswith("/introspect"):
                self._json(200, known.introspect(sent))
                return
            self._json(*known.token(sent))

        def _json(self, status: int, told: dict[str, Any]) -> None:
            body = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listening.daemon_threads = True
    known.url = f"http://127.0.0.1:{listening.server_address[1]}"
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield known
    finally:
        listening.shutdown()
        thread.join(10)
        listening.server_close()
