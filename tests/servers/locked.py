"""A real MCP server behind OAuth 2.1, and the authorization server that guards it: `python locked.py PORT`.

Codes are bound to their PKCE challenge and used once, refresh tokens rotate. `POST /control` sets how it behaves:
`lifetime` of a token, `scope` that calls need, `token_status` instead of tokens, `refuse_refresh`, `deny` the person,
`wrong_state`, `open` the door to everyone, `sessions` alone (the handshake era), `revoke` every access token.
`GET /seen` tells what was asked for, and with which token and session somebody was let in.
"""

# pyright: basic
from __future__ import annotations

import base64
import hashlib
import json
import secrets
import sys
import time
from typing import Any
from urllib.parse import parse_qs, urlencode

import uvicorn
from mcp.server.mcpserver import MCPServer
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

PORT = int(sys.argv[1])
HERE = f"http://127.0.0.1:{PORT}"
server = MCPServer("locked")
ways: dict[str, Any] = {"lifetime": 3600, "scope": "read"}
seen: list[dict[str, Any]] = []
clients: dict[str, dict[str, Any]] = {"known": {"redirect_uris": None, "client_secret": "known-secret"}}
codes: dict[str, dict[str, Any]] = {}
tokens: dict[str, tuple[str, float]] = {}
refreshes: dict[str, str] = {}


@server.tool()
def echo(text: str) -> str:
    """Return the text."""
    return text


async def resource(request: Request) -> Response:
    """Protected resource metadata."""
    return JSONResponse({"resource": f"{HERE}/{request.path_params['path']}", "authorization_servers": [HERE]})


async def metadata(request: Request) -> Response:
    """Authorization server metadata."""
    ends = {f"{name}_endpoint": f"{HERE}/{path}" for name, path in ENDS.items()}
    return JSONResponse({"issuer": HERE, **ends, "code_challenge_methods_supported": ["S256"]})


async def register(request: Request) -> Response:
    """Dynamic client registration."""
    wish = await request.json()
    ident = f"client-{len(clients)}"
    clients[ident] = wish
    seen.append({"registered": ident})
    return JSONResponse({**wish, "client_id": ident}, status_code=201)


async def authorize(request: Request) -> Response:
    """What the person's browser opens; nobody is asked."""
    asked = dict(request.query_params)
    seen.append({"authorized": asked["client_id"], "scope": asked.get("scope")})
    allowed = clients.get(asked["client_id"], {}).get("redirect_uris", [])
    if asked["client_id"] not in clients or (allowed is not None and asked["redirect_uri"] not in allowed):
        return Response("unknown client", status_code=400)
    state = "wrong" if ways.get("wrong_state") else asked["state"]
    if ways.get("deny"):
        answer = {"error": "access_denied", "error_description": "the person said no", "state": state}
    else:
        code = secrets.token_urlsafe()
        codes[code] = asked
        answer = {"code": code, "state": state}
    return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(answer)}")


async def token(request: Request) -> Response:
    """Codes and refresh tokens for access tokens, each once; the known client's own credentials too."""
    form = {key: values[0] for key, values in parse_qs((await request.body()).decode()).items()}
    seen.append({"grant": form["grant_type"]})
    if ways.get("token_status"):
        return Response(status_code=ways["token_status"])
    basic = "Basic " + base64.b64encode(b"known:known-secret").decode()
    known = request.headers.get("authorization") == basic
    if form["grant_type"] == "client_credentials":
        return issued(ways["scope"]) if known else refused("invalid_client")
    if form.get("client_id") not in clients or (form["client_id"] == "known" and not known):
        return refused("invalid_client")
    if form["grant_type"] == "refresh_token":
        scope = refreshes.pop(form["refresh_token"], None)
        return refused("invalid_grant") if scope is None or ways.get("refuse_refresh") else issued(scope)
    asked = codes.pop(form["code"], None)
    proof = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).decode().rstrip("=")
    if asked is None or proof != asked["code_challenge"] or form["redirect_uri"] != asked["redirect_uri"]:
        return refused("invalid_grant")
    return issued(asked.get("scope", ""))


def issued(scope: str) -> Response:
    """New tokens."""
    access, refresh = f"access-{secrets.token_hex(8)}", f"refresh-{secrets.token_hex(8)}"
    tokens[access] = scope, time.time() + ways["lifetime"]
    refreshes[refresh] = scope
    body = {"access_token": access, "token_type": "bearer", "expires_in": ways["lifetime"], "refresh_token": refresh}
    return JSONResponse({**body, "scope": scope})


def refused(error: str) -> Response:
    """An error as OAuth writes it."""
    return JSONResponse({"error": error}, status_code=400)


async def control(request: Request) -> Response:
    """Behave as the test wants."""
    ways.update(await request.json())
    if ways.pop("revoke", False):
        tokens.clear()
    return JSONResponse(ways)


async def told(request: Request) -> Response:
    """What was asked for so far."""
    return JSONResponse(seen)


ENDS = {"authorization": "authorize", "token": "token", "registration": "register"}
app = server.streamable_http_app()
app.routes.extend(
    [
        *server.sse_app().routes,
        Route("/.well-known/oauth-protected-resource/{path}", resource),
        Route("/.well-known/oauth-authorization-server", metadata),
        Route("/register", register, methods=["POST"]),
        Route("/authorize", authorize),
        Route("/token", token, methods=["POST"]),
        Route("/control", control, methods=["POST"]),
        Route("/seen", told),
    ]
)


async def guarded(scope: Any, receive: Any, send: Any) -> None:
    """Let only requests with a good token through to `/mcp`, and to `/sse` where the old transport is spoken."""
    door = scope["type"] == "http" and scope["path"].split("/")[1]
    if door not in ("mcp", "sse", "messages") or ways.get("open"):
        await app(scope, receive, send)
        return
    headers = dict(scope["headers"])
    given = headers.get(b"authorization", b"").decode().removeprefix("Bearer ")
    if ways.get("sessions") and headers.get(b"mcp-protocol-version", b"") >= b"2026":
        await Response(status_code=400)(scope, receive, send)
        return
    allowed, ends = tokens.get(given, ("", 0.0))
    where = f'resource_metadata="{HERE}/.well-known/oauth-protected-resource/{door}", scope="{ways["scope"]}"'
    if ends < time.time():
        seen.append({"turned away": bool(given)})
        said = JSONResponse({"error": "invalid_token"}, 401, {"www-authenticate": f"Bearer {where}"})
        await said(scope, receive, send)
    elif not set(ways["scope"].split()) <= set(allowed.split()):
        more = {"www-authenticate": f'Bearer error="insufficient_scope", {where}'}
        said = JSONResponse(
            {"jsonrpc": "2.0", "id": None, "error": {"code": -1, "message": json.dumps("no")}}, 403, more
        )
        await said(scope, receive, send)
    else:
        seen.append({"passed": [given, headers.get(b"mcp-session-id", b"").decode()]})
        await app(scope, receive, send)


if __name__ == "__main__":
    uvicorn.run(guarded, host="127.0.0.1", port=PORT, log_level="warning")
