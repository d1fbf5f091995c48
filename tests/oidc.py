"""An identity provider on this computer, which signs in whoever it was told to, as OpenID Connect says."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

SECRETS = """
[auth]
redirect_uri = "{app}/oauth2callback"
cookie_secret = "a secret of the test alone"
client_id = "sweepplan"
client_secret = "another"
server_metadata_url = "{provider}/.well-known/openid-configuration"
"""


class Provider(ThreadingHTTPServer):
    """``who``: the claims of the next to sign in."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.address = f"http://127.0.0.1:{self.server_port}"
        self.key = RSAKey.generate_key(2048, {"kid": "1"}, private=True)
        self.who: dict[str, Any] = {}
        self.nonces: dict[str, str] = {}

    def id_token(self, code: str) -> str:
        now = int(time.time())
        claims = {"iss": self.address, "aud": "sweepplan", "iat": now, "exp": now + 600, **self.who}
        return jwt.encode({"alg": "RS256", "kid": "1"}, {**claims, "nonce": self.nonces.pop(code)}, self.key)


class _Answers(BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        if asked.path == "/authorize":
            given = {name: values[0] for name, values in parse_qs(asked.query).items()}
            code = f"code-{time.monotonic_ns()}"
            self.server.nonces[code] = given["nonce"]
            self.send_response(302)
            self.send_header(
                "Location", f"{given['redirect_uri']}?{urlencode({'code': code, 'state': given['state']})}"
            )
            self.end_headers()
        elif asked.path == "/jwks":
            self._say({"keys": [self.server.key.as_dict(private=False)]})
        else:
            ends = ("authorization_endpoint", "/authorize"), ("token_endpoint", "/token"), ("jwks_uri", "/jwks")
            self._say({"issuer": self.server.address, **{name: self.server.address + path for name, path in ends}})

    def do_POST(self) -> None:
        body = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        token = self.server.id_token(body["code"][0])
        self._say({"access_token": "x", "token_type": "Bearer", "expires_in": 600, "id_token": token})

    def _say(self, what: dict[str, Any]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(what).encode())

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def provider() -> Iterator[Provider]:
    with Provider() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()
