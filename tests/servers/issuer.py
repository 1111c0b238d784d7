"""A small OpenID Connect issuer: discovery and keys over HTTP, tokens for whoever asks.

Usage: python issuer.py PORT. `POST /token` signs the JSON it is sent (`claims`, `alg`, `key`: which of its keys, `kid`
and `header` to overwrite); `POST /control` changes which keys are published (`published`), and whether it answers
(`down`), what discovery says besides (`discovery`), and what else is among the keys (`more`); `GET /seen` tells how
often the keys were fetched.
"""

from __future__ import annotations

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

PORT = int(sys.argv[1])
ISSUER = f"http://127.0.0.1:{PORT}"
KEYS: dict[str, Any] = {
    "first": rsa.generate_private_key(65537, 2048),
    "second": ec.generate_private_key(ec.SECP256R1()),
    "stranger": rsa.generate_private_key(65537, 2048),
}
STATE: dict[str, Any] = {"published": ["first"], "down": False, "discovery": {}, "more": [], "fetched": 0}


def published(name: str) -> dict[str, Any]:
    key = KEYS[name].public_key()
    kind = jwt.algorithms.RSAAlgorithm if name != "second" else jwt.algorithms.ECAlgorithm
    return {**kind.to_jwk(key, as_dict=True), "kid": name, "use": "sig"}


def token(asked: dict[str, Any]) -> str:
    name = asked.get("key", "first")
    algorithm = asked.get("alg", "ES256" if name == "second" else "RS256")
    claims = {"iss": ISSUER, "aud": "mend", "exp": int(time.time()) + 300, "sub": "kim", **asked.get("claims", {})}
    claims = {key: value for key, value in claims.items() if value is not None}
    key = KEYS[name]
    if algorithm == "none":
        key = None
    elif algorithm.startswith("HS"):
        return _by_the_public_key(claims, name)
    return jwt.encode(claims, key, algorithm, headers={"kid": asked.get("kid", name), **asked.get("header", {})})


def _by_the_public_key(claims: dict[str, Any], name: str) -> str:
    """What an attacker makes who has only the public key: its text as the shared secret of an HMAC."""
    import base64
    import hashlib
    import hmac

    def part(value: Any) -> bytes:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")

    secret = KEYS[name].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signed = part({"alg": "HS256", "typ": "JWT", "kid": name}) + b"." + part(claims)
    sign = base64.urlsafe_b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).rstrip(b"=")
    return (signed + b"." + sign).decode()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/seen":
            self._answer(STATE)
        elif STATE["down"]:
            self._answer({}, 503)
        elif self.path == "/.well-known/openid-configuration":
            self._answer({"issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys", **STATE["discovery"]})
        elif self.path == "/keys":
            STATE["fetched"] += 1
            self._answer({"keys": [*STATE["more"], *(published(name) for name in STATE["published"])]})
        else:
            self._answer({}, 404)

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.path == "/control":
            STATE.update(asked)
            self._answer(STATE)
        else:
            self._answer({"token": token(asked)})

    def _answer(self, told: Any, status: int = 200) -> None:
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
