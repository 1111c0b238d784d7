"""What a result only repeats of its call is no result, and a broken output stays with its own step."""

# pyright: basic
from __future__ import annotations

from typing import Any

import pytest

from tests.desks import done
from tests.fakes import NUMBER, TEXT, Server, carried_out, ref, step, world
from tests.promises import promise


def lab() -> Server:
    def mischen(menge: float) -> Any:
        return {"eingabe": {"menge": menge}, "gemisch": {"menge": 3 * menge}}

    def wandeln(wert: float) -> Any:
        return {"alter_wert": wert, "neuer_wert": 2 * wert}

    server = Server("labor").tool("mischen", mischen, menge=NUMBER).tool("wandeln", wandeln, wert=NUMBER)
    return server.tool("messen", lambda was: {"wert": 9, "ort": was}, was=TEXT)


@promise("references-are-repaired")
@pytest.mark.parametrize(
    ("tool", "given", "path", "wanted"),
    [
        ("mischen", {"menge": 2}, "menge", 6),
        ("mischen", {"menge": 2}, "probe.menge", 6),
        ("wandeln", {"wert": 5}, "wert", 10),
    ],
)
async def test_of_two_values_the_one_that_is_no_echo_is_read(tool: str, given: Any, path: str, wanted: int) -> None:
    where = world(lab())
    plan = {"steps": [step("a", tool, **given), step("b", "wandeln", wert=ref("a", path))]}
    report = await carried_out(where, plan)
    assert report.status == "repaired", report.problems
    assert {"wert": wanted} in done(where, "wandeln")
    report = await carried_out(world(lab()), {"steps": plan["steps"][:1], "output": ref("a", path)})
    assert (report.status, report.output) == ("repaired", wanted), report.problems


@promise("references-are-repaired")
async def test_a_broken_output_is_mended_within_its_own_step() -> None:
    steps = [step("a", "wandeln", wert=5), step("b", "messen", was="Glas")]
    report = await carried_out(world(lab()), {"steps": steps, "output": ref("a", "wert")})
    assert (report.status, report.output) == ("repaired", 10), report.problems


@promise("references-are-repaired")
async def test_an_output_of_a_step_that_has_nothing_of_the_kind_is_looked_for_elsewhere() -> None:
    leer = lab().tool("lüften", lambda was: {"ok": True}, was=TEXT)
    steps = [step("a", "lüften", was="Raum"), step("b", "messen", was="Glas")]
    report = await carried_out(world(leer), {"steps": steps, "output": ref("a", "wert")})
    assert (report.status, report.output) == ("repaired", 9), report.problems
