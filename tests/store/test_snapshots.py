"""Tool lists that replicas share."""

from __future__ import annotations

from pathlib import Path

from catalog_cache.store import Kept
from proxy.store.snapshots import StoredSnapshots, first_lists
from proxy.store.sql import Place
from proxy.store.state import open_state
from schemas.config import Upstream

NOTES = Upstream(command="notes")


def test_a_replica_that_starts_knows_what_another_has_listed(empty_place: Place) -> None:
    with open_state(empty_place) as state:
        snapshots = StoredSnapshots(state, {"notes": NOTES})
        assert snapshots.load("notes", NOTES) is None
        snapshots.save("notes", NOTES, Kept([{"name": "größe"}], {"ttlMs": 5}, {"serverInfo": {"name": "n"}}))
    with open_state(empty_place) as state:
        found = StoredSnapshots(state, {"notes": NOTES}).load("notes", NOTES)
    assert found == Kept([{"name": "größe"}], {"ttlMs": 5}, {"serverInfo": {"name": "n"}})


def test_a_server_that_is_reached_another_way_has_no_list_yet(empty_place: Place) -> None:
    with open_state(empty_place) as state:
        StoredSnapshots(state, {}).save("notes", NOTES, Kept([]))
    other = Upstream(command="notes", args=["--other"])
    with open_state(empty_place) as state:
        assert StoredSnapshots(state, {"notes": other}).load("notes", other) is None


def test_the_list_of_the_first_sight_stays(postgres_url: str, tmp_path: Path) -> None:
    place = Place(tmp_path, postgres_url)
    with open_state(place) as state:
        snapshots = StoredSnapshots(state, {})
        for name in ("first", "second", "third"):
            snapshots.save("notes", NOTES, Kept([{"name": name}]))
    (seen,) = first_lists(place)
    assert (seen.server, seen.tools, seen.now) == ("notes", [{"name": "first"}], [{"name": "third"}])


def test_a_store_that_cannot_be_reached_costs_the_warm_start_alone(tmp_path: Path) -> None:
    gone = Place(tmp_path, "postgresql://nobody@127.0.0.1:1/none")
    with open_state(gone) as state:
        snapshots = StoredSnapshots(state, {"notes": NOTES})
        snapshots.save("notes", NOTES, Kept([]))
        assert snapshots.load("notes", NOTES) is None
