"""What tells a client where to log in: protected resource metadata (RFC 9728) and the challenge that points to it."""

from __future__ import annotations

from collections.abc import Callable

from starlette.datastructures import URL
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Scope

from schemas.config import Http

METADATA = "/.well-known/oauth-protected-resource"


def routes(settings: Callable[[], Http]) -> list[Route]:
    """The document for the whole address, and for each endpoint at the same path behind it."""

    async def document(request: Request) -> Response:
        oidc = settings().oidc
        if not oidc.issuer:
            raise HTTPException(404)
        path = request.path_params.get("path", "")
        told = {
            "resource": f"{_base(oidc.resource, request.scope)}{f'/{path}' if path else ''}",
            "authorization_servers": [oidc.issuer],
            "bearer_methods_supported": ["header"],
            "resource_name": "mcp-mend",
        }
        return JSONResponse(told, headers={"cache-control": "no-store", "access-control-allow-origin": "*"})

    return [Route(METADATA, document), Route(f"{METADATA}/{{path:path}}", document)]


def challenge(settings: Http, scope: Scope, *, wrong: bool) -> str:
    """What `WWW-Authenticate` says to a request without a token that lets it in; `wrong` where it had another."""
    said = ['error="invalid_token"'] if wrong else []
    if settings.oidc.issuer:
        said.append(f'resource_metadata="{_base(settings.oidc.resource, scope)}{METADATA}{scope["path"]}"')
    return " ".join(["Bearer", ", ".join(said)]).strip()


def _base(configured: str, scope: Scope) -> str:
    if configured:
        return configured.rstrip("/")
    asked = URL(scope=scope)
    return f"{asked.scheme}://{asked.netloc}"
