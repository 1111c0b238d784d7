"""The page's addresses: each reads the journal or the program behind it, and renders a template."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from importlib.resources import files
from typing import Any, TypeVar
from urllib.parse import urlsplit

from anyio import to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route

from proxy.access.access import Access
from proxy.repair.view.shown import all_shown
from proxy.store import health
from proxy.store.decisions import shared
from proxy.store.reader import NoEntryError, Reader, open_reader
from proxy.store.snapshots import first_lists
from proxy.store.sql import Connection, StoreError
from proxy.ui import changes, entries, logins, replaying
from proxy.ui.behind import Behind
from proxy.ui.door import COOKIE, FORM_FIELD, LOGIN, Door, DoorMiddleware, cookie_of, visitor
from proxy.ui.entries import Place, Wanted
from proxy.ui.logins import PageLogins
from proxy.ui.views import filters
from proxy.ui.views.drawing import templates
from proxy.ui.views.figures import figures
from proxy.ui.views.settings import in_force
from proxy.ui.views.story import story
from proxy.ui.views.tools import tools_of
from proxy.ui.views.upstreams import upstreams_of
from proxy.upstreams.auth.logins import OAuthError

Seen = TypeVar("Seen")

_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


class Pages:
    """The page over one journal and the program behind it: `routes` for an application; `stop` ends its streams."""

    def __init__(self, behind: Behind, stop: asyncio.Event, access: Access | None = None) -> None:
        self._behind = behind
        self._stop = stop
        self._door = Door(lambda: behind.config().http.token, access)
        self._given = PageLogins(behind.logins) if behind.logins is not None else None
        self._static = files("proxy.ui") / "static"
        self._templates = templates()

    @property
    def routes(self) -> list[BaseRoute]:
        """What answers at `/ui` and below."""
        get, post = ["GET"], ["POST"]
        inside = [
            Route("/", self._list, methods=get),
            Route("/events", self._events, methods=get),
            Route("/calls/{id}", self._call, methods=get),
            Route("/runs/{id}", self._run, methods=get),
            Route("/servers", self._servers, methods=get),
            Route("/tools", self._tools, methods=get),
            Route("/figures", self._figures, methods=get),
            Route("/settings", self._settings, methods=get),
            Route("/replay/{id}", self._replay, methods=["GET", "POST"]),
            Route("/pause", self._pause, methods=post),
            Route("/logins", self._logins, methods=["GET", "POST"]),
            Route("/logins/back", self._back, methods=get),
            Route("/logins/finish", self._finish, methods=get),
            Route("/login", self._login, methods=["GET", "POST"]),
            Route("/logout", self._logout, methods=post),
            Route("/static/{name}", self._file, methods=get),
        ]
        page = Starlette(
            routes=inside,
            middleware=[Middleware(DoorMiddleware, self._door)],
            exception_handlers={HTTPException: self._problem, StoreError: self._unread},
        )
        return [Route("/ui", _to_page, methods=get), Mount("/ui", page)]

    async def _list(self, request: Request) -> Response:
        wanted, told = _asked(request)
        whose = wanted.tenant

        def read(connection: Connection) -> dict[str, Any]:
            return {**_entries(connection, wanted, told), **entries.choices(connection, whose)}

        nothing: dict[str, Any] = {**_entries(None, wanted, told), "servers": [], "tools": [], "statuses": []}
        found = await self._journal(read, nothing)
        return await self._page(request, "list.html", tab="list", asked=request.query_params, **told, **found)

    async def _events(self, request: Request) -> Response:
        template, cookie = self._templates.get_template("entries.html"), cookie_of(request.headers)

        def drawn(connection: Connection | None) -> str:
            wanted, told = _asked(request)
            return template.render(**told, **_entries(connection, wanted, told))

        stream = changes.events(self._behind.journal, drawn, self._stop, lambda: self._door.knows(cookie))
        return StreamingResponse(stream, media_type="text/event-stream", headers={"cache-control": "no-store"})

    async def _call(self, request: Request) -> Response:
        call = await self._entry(request, "call_", Reader.call)
        told = await to_thread.run_sync(all_shown, call)
        return await self._page(request, "call.html", tab="list", call=told)

    async def _run(self, request: Request) -> Response:
        run = await self._entry(request, "run_", Reader.run)
        told = await to_thread.run_sync(story, run)
        return await self._page(request, "run.html", tab="list", **told)

    async def _entry(
        self, request: Request, prefix: str, read: Callable[[Reader, str], dict[str, Any]]
    ) -> dict[str, Any]:
        written = request.path_params["id"]

        def found() -> dict[str, Any] | None:
            try:
                with open_reader(self._behind.journal) as reader:
                    name = reader.resolve(written, "run" if prefix == "run_" else "call")
                    return read(reader, name)
            except (FileNotFoundError, NoEntryError):
                return None

        entry = await to_thread.run_sync(found) if re.fullmatch(r"[\w-]{1,80}", written) else None
        tenant = visitor(request.scope)
        if entry is None or (tenant is not None and entry["tenant"] != tenant.name):
            raise HTTPException(404, "The journal holds no such entry; it may have been pruned.")
        return entry

    async def _servers(self, request: Request) -> Response:
        told = await to_thread.run_sync(upstreams_of, self._behind)
        return await self._page(request, "servers.html", tab="servers", now=time.time(), **told)

    async def _tools(self, request: Request) -> Response:
        kept = await to_thread.run_sync(first_lists, self._behind.journal)
        told = await to_thread.run_sync(tools_of, self._behind.catalog(), kept)
        return await self._page(request, "tools.html", tab="tools", servers=told)

    async def _figures(self, request: Request) -> Response:
        told = await self._journal(figures, {})
        return await self._page(request, "figures.html", tab="figures", figures=told)

    async def _settings(self, request: Request) -> Response:
        sections = in_force(self._behind.config())
        return await self._page(request, "settings.html", tab="settings", sections=sections, source=self._behind.source)

    async def _replay(self, request: Request) -> Response:
        form: Mapping[str, str] = await self._form(request) if request.method == "POST" else {}
        found = await replaying.prepared(self._behind.journal, request.path_params["id"])
        if found is None:
            raise HTTPException(404, "The journal holds no such entry; it may have been pruned.")
        if request.method == "POST" and not found.faults:
            found = await replaying.sent(self._behind, found, yes=form.get("yes") == "on")
        calls = await to_thread.run_sync(all_shown, found.calls)
        return await self._page(
            request, "replay.html", tab="list", replay=found, calls=calls, consent=replaying.CONSENT
        )

    async def _pause(self, request: Request) -> Response:
        from proxy.settings import state

        form = await self._form(request)
        name, on = form.get("server", ""), form.get("on") == "yes"
        known = await to_thread.run_sync(upstreams_of, self._behind)
        if name not in {each["name"] for each in known["upstreams"]}:
            raise HTTPException(404, "No server of this name is known here.")
        kept = shared(self._behind.journal)
        try:
            await to_thread.run_sync(lambda: state.pause([name], on=on, shared=kept))
        except (OSError, ValueError) as error:
            raise HTTPException(503, f"{state.paused_place(kept)}: cannot be changed: {error}") from error
        return RedirectResponse("/ui/servers", 303)

    async def _logins(self, request: Request) -> Response:
        if request.method == "GET":
            return await self._logins_page(request)
        form = await self._form(request)
        name, tenant = form.get("server", ""), _tenant_of(request)
        upstream = logins.offered(self._behind.config(), visitor(request.scope)).get(name)
        if upstream is None or self._given is None:
            raise HTTPException(404, "No server of this name takes a login of yours.")
        own = upstream.oauth.redirect_uri if upstream.oauth is not None and upstream.per_user else ""
        here = request.headers.get("origin") or f"{request.url.scheme}://{request.url.netloc}"
        try:
            if form.get("act") == "out":
                await self._given.forget(upstream, tenant)
                return RedirectResponse("/ui/logins", 303)
            address = await self._given.begin(name, upstream, tenant, own or here + logins.BACK)
        except (OAuthError, OSError) as failure:
            return await self._logins_page(request, trouble=f"Not logged in to {name}: {failure}")
        if not address:
            return await self._logins_page(request, trouble=f"{name} asks for no login.")
        go = {"name": name, "address": address, "host": urlsplit(address).hostname}
        return await self._logins_page(request, go=go)

    async def _back(self, request: Request) -> Response:
        """Have the browser ask again from here: coming from elsewhere it brings no cookie of ours."""
        shown = self._templates.get_template("back.html").render(query=request.url.query)
        return HTMLResponse(shown)

    async def _finish(self, request: Request) -> Response:
        if self._given is None:
            raise HTTPException(404)
        try:
            name = await self._given.finish(request.url.query, _tenant_of(request))
        except logins.NotBegunError:
            late = "This login was not begun here, or is over: begin it again."
            return await self._logins_page(request, trouble=late)
        except (OAuthError, OSError) as failure:
            return await self._logins_page(request, trouble=f"Not logged in: {failure}")
        return await self._logins_page(request, done=name)

    async def _logins_page(self, request: Request, **more: Any) -> Response:
        upstreams = logins.offered(self._behind.config(), visitor(request.scope))
        told: list[dict[str, Any]] = []
        try:
            told = await self._given.told(upstreams, _tenant_of(request)) if self._given is not None else []
        except OSError as failure:
            more["trouble"] = f"The logins cannot be read: {failure}"
        shown = all_shown({"done": "", "trouble": "", "go": None, "logins": told, **more})
        return await self._page(request, "logins.html", tab="logins", **shown)

    async def close(self) -> None:
        """End what was begun at the page and waits for somebody."""
        if self._given is not None:
            await self._given.close()

    async def _login(self, request: Request) -> Response:
        wrong = False
        if request.method == "POST":
            form = await self._form(request)
            cookie = await self._door.cookie(form.get("token", ""))
            if cookie is not None:
                response = RedirectResponse("/ui/", 303)
                secure = request.url.scheme == "https"
                response.set_cookie(COOKIE, cookie, path="/ui", httponly=True, samesite="strict", secure=secure)
                return response
            wrong = True
        if not self._door.guarded:
            return RedirectResponse("/ui/", 303)
        return await self._page(request, "login.html", 401 if wrong else 200, tab="", wrong=wrong)

    async def _logout(self, request: Request) -> Response:
        await self._form(request)
        response = RedirectResponse(LOGIN, 303)
        response.delete_cookie(COOKIE, path="/ui", httponly=True, samesite="strict")
        return response

    async def _problem(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101  what it is registered for
        return await self._page(
            request, "problem.html", error.status_code, tab="", code=error.status_code, said=error.detail
        )

    async def _unread(self, request: Request, error: Exception) -> Response:
        said = f"The journal cannot be read: {error}"
        return await self._page(request, "problem.html", 503, tab="", code=503, said=said)

    async def _file(self, request: Request) -> Response:
        name = request.path_params["name"]
        there = {each.name for each in self._static.iterdir()}
        if name not in there:
            raise HTTPException(404)
        kind = _TYPES[name.rpartition(".")[2]]
        return FileResponse(str(self._static / name), media_type=kind, headers={"cache-control": "max-age=3600"})

    async def _form(self, request: Request) -> Mapping[str, str]:
        """The fields of a form that the page itself made; raises 403 for any other."""
        if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            raise HTTPException(415)
        async with request.form(max_fields=20) as form:
            given = {key: value for key, value in form.items() if isinstance(value, str)}
        if not self._door.meant(given.get(FORM_FIELD, ""), cookie_of(request.headers)):
            raise HTTPException(403, "This form is of an earlier start: load the page again.")
        return given

    async def _journal(self, read: Callable[[Connection], Seen], nothing: Seen) -> Seen:
        """What is read of the journal, in a thread; `nothing` where there is none yet."""

        def inside() -> Seen:
            try:
                with closing(self._behind.journal.read("journal")) as connection:
                    return read(connection)
            except FileNotFoundError:
                return nothing

        return await to_thread.run_sync(inside)

    async def _page(self, request: Request, template: str, status: int = 200, **told: Any) -> Response:
        """Render a template, in a thread: a long plan takes longer than a call may be held up."""
        tenant, form_token = visitor(request.scope), self._door.form_token(cookie_of(request.headers))
        told = {
            **told, "form_field": FORM_FIELD, "form_token": form_token, "guarded": self._door.guarded,
            "tenant": tenant.name if tenant is not None else "",
            "takes_logins": self._given is not None and bool(logins.offered(self._behind.config(), tenant)),
            "payloads": self._behind.config().journal.payloads,
            "enabled": self._behind.config().journal.enabled,
        }  # fmt: skip

        def render() -> str:
            missing = health.missing(self._behind.journal.path("journal"), self._behind.writing)
            return self._templates.get_template(template).render(told, missing=missing)

        return HTMLResponse(await to_thread.run_sync(render), status)


def _tenant_of(request: Request) -> str:
    tenant = visitor(request.scope)
    return tenant.name if tenant is not None else ""


def _asked(request: Request) -> tuple[Wanted, dict[str, Any]]:
    """Which entries an address asks for, and what their template is told of that."""
    asked, tenant = request.query_params, visitor(request.scope)
    since = asked.get("since", "")
    wanted = Wanted(
        *(asked.get(key, "")[:200] for key in ("q", "server", "tool", "status", "session", "kind")),
        since=time.time() - filters.SINCE[since] if since in filters.SINCE else None,
        before=Place.read(asked.get("before", "")),
        tenant=tenant.name if tenant is not None else None,
    )
    newest = {key: value for key, value in asked.items() if value and key != "before"}
    return wanted, {"wanted": wanted, "newest": newest, "live": wanted.before is None}


def _entries(connection: Connection | None, wanted: Wanted, told: Mapping[str, Any]) -> dict[str, Any]:
    """A page of entries, and the address of the next; None: there is no journal yet."""
    found, following = entries.page(connection, wanted) if connection is not None else ([], None)
    return {"entries": found, "more": {**told["newest"], "before": str(following)} if following else {}}


async def _to_page(request: Request) -> Response:
    return RedirectResponse(f"/ui/?{request.url.query}" if request.url.query else "/ui/", 307)
