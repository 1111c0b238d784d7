"""Finding tools: by words at once, by meanings once the worker has read the catalog, by words again without it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from proxy.model.client import Remote
from proxy.model.models import embedding
from proxy.model.wire import Settings
from proxy.planner.shortlist import Shortlist
from schemas.catalog import Catalog, Tool, catalog_of

pytestmark = pytest.mark.model


def tool(name: str, description: str, **arguments: str) -> Tool:
    properties = {key: {"type": kind} for key, kind in arguments.items()}
    raw = {"name": name, "description": description, "inputSchema": {"type": "object", "properties": properties}}
    return Tool("demo", name, f"demo__{name}", raw)


CATALOG = catalog_of(
    [
        tool("fetch_remote_document", "Retrieve an HTTP address"),
        tool("forecast", "Tomorrow's rain and temperature at a place", place="string"),
        tool("invoice_create", "Bill a customer", customer="string", amount="number"),
        tool("book_table", "Reserve seats in a restaurant", people="integer"),
    ]
)


@pytest.fixture
async def remote(settings: Settings, tmp_path: Path) -> AsyncIterator[Remote]:
    worker = Remote(
        Settings(**{**vars(settings), "vectors": str(tmp_path / "vectors.npz")}),  # type: ignore[arg-type]
        tmp_path,
    )
    yield worker
    await worker.close()


async def test_words_find_a_tool_without_a_worker() -> None:
    hits = await Shortlist(None).nearest(CATALOG, "temperature in Oslo")
    assert hits[0].tool.name == "forecast"


async def test_another_catalog_is_indexed_anew() -> None:
    shortlist = Shortlist(None)
    assert (await shortlist.nearest(CATALOG, "bill"))[0].tool.name == "invoice_create"
    assert await shortlist.nearest(Catalog(), "bill") == ()


async def test_meanings_find_what_shares_no_word(remote: Remote) -> None:
    assert embedding() is not None
    shortlist = Shortlist(remote)
    question = "download a web page"
    assert [hit.tool.name for hit in await shortlist.nearest(CATALOG, question)] == []
    await shortlist.learnt()
    found = [hit.tool.name for hit in await _patiently(shortlist, question)]
    assert found[0] == "fetch_remote_document"
    await shortlist.close()


async def test_a_new_worker_reads_the_catalog_again(remote: Remote, tmp_path: Path) -> None:
    shortlist = Shortlist(remote)
    await shortlist.nearest(CATALOG, "x")
    await shortlist.learnt()
    assert (tmp_path / "vectors.npz").exists()
    await remote.close()
    assert await shortlist.nearest(CATALOG, "download a web page") == ()
    await shortlist.learnt()
    assert await _patiently(shortlist, "download a web page")
    await shortlist.close()


async def _patiently(shortlist: Shortlist, question: str):
    """Search until meanings were there in time: the machine may be busy."""
    with anyio.fail_after(30):
        while not (hits := await shortlist.nearest(CATALOG, question)):  # noqa: ASYNC110 - another process
            await anyio.sleep(0.01)
    return hits
