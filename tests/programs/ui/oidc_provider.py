"""A provider of OpenID Connect, as far as a proxy and kube-apiserver ask one: discovery, login by a click, tokens and their key."""

import base64
import json
import secrets
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

_LIFE_S = 3_600


class Provider:
    """``users`` may log in as ``client``; ``url`` is the issuer."""

    def __init__(self, client: str, users: tuple[str, ...]) -> None:
        self.client = client
        self.users = users
        self.url = ""
        self._key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
        self._codes: dict[str, tuple[str, str]] = {}

    def token(self, user: str, nonce: str = "", *, audience: str = "", life_s: int = _LIFE_S) -> str:
        """An ID token."""
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": audience or self.client,
            "sub": user,
            "email": f"{user}@example.org",
            "email_verified": True,
            "preferred_username": user,
            "iat": now - 1,
            "exp": now + life_s,
            **({"nonce": nonce} if nonce else {}),
        }
        head = _coded(json.dumps({"alg": "RS256", "kid": "one", "typ": "JWT"}).encode())
        text = f"{head}.{_coded(json.dumps(claims).encode())}"
        signature = self._key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{text}.{_coded(signature)}"

    def answer(self, path: str, query: dict[str, str]) -> tuple[int, str, bytes]:
        """Status, location or type, and body."""
        match path:
            case "/.well-known/openid-configuration":
                return 200, "application/json", json.dumps(self._configuration()).encode()
            case "/keys":
                return 200, "application/json", json.dumps({"keys": [self._public()]}).encode()
            case "/authorize" if (user := query.get("as", "")) in self.users:
                code = secrets.token_urlsafe()
                self._codes[code] = user, query.get("nonce", "")
                back = urlencode({"code": code, "state": query["state"]})
                return 302, f"{query['redirect_uri']}?{back}", b""
            case "/authorize":
                links = "".join(
                    f'<p><a href="/authorize?{urlencode({**query, "as": user})}">{user}</a>'
                    for user in self.users
                )
                return 200, "text/html", links.replace("&", "&amp;").encode()
            case "/token" if (known := self._codes.pop(query.get("code", ""), None)) is not None:
                answer = {
                    "access_token": secrets.token_urlsafe(),
                    "token_type": "Bearer",
                    "expires_in": _LIFE_S,
                    "id_token": self.token(*known),
                }
                return 200, "application/json", json.dumps(answer).encode()
        return 404, "text/plain", b"not here"

    def _configuration(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def _public(self) -> dict[str, str]:
        numbers = self._key.public_key().public_numbers()
        n = _coded(numbers.n.to_bytes(256, "big"))
        return {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "one", "n": n, "e": "AQAB"}


@contextmanager
def served(provider: Provider, pair: tuple[Path, Path]) -> Iterator[Provider]:
    """Over TLS on this machine, as long as it is asked."""

    class Asked(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            self._answer(parts.path, parts.query)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0"))).decode()
            self._answer(urlsplit(self.path).path, body)

        def _answer(self, path: str, query: str) -> None:
            fields = {name: values[0] for name, values in parse_qs(query).items()}
            status, what, body = provider.answer(path, fields)
            self.send_response(status)
            self.send_header("location" if status == 302 else "content-type", what)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Asked)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*pair)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    provider.url = f"https://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _coded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
