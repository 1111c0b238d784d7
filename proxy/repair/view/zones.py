"""Places as the time zones that are named after them. Pure."""

from __future__ import annotations

from functools import lru_cache

from proxy.repair.view.coerce import Target
from proxy.repair.view.words import mentions, plain


@lru_cache(maxsize=1)
def _zones() -> dict[str, str]:
    import zoneinfo

    places: dict[str, list[str]] = {}
    for zone in zoneinfo.available_timezones():
        if "/" in zone and not zone.startswith(("Etc/", "posix/", "right/", "SystemV/", "US/")):
            places.setdefault(zone.rsplit("/", 1)[1].replace("_", " ").lower(), []).append(zone)
    return {place: zones[0] for place, zones in places.items() if len(zones) == 1}


def time_zone_in(text: str, target: Target, used: set[str]) -> str | None:
    """The IANA time zone of the one place that a text names and that is not used yet; None for other arguments."""
    described = f"{target.name} {target.schema.get('description', '')}".lower()
    if "timezone" not in plain(described) or ("iana" not in described and "/" not in described):
        return None
    found = {zone for place, zone in _zones().items() if place in text.lower() and mentions(text, place)}
    free = [zone for zone in found if zone.lower() not in used and not mentions(" ".join(used), zone.rsplit("/", 1)[1])]
    return free[0] if len(free) == 1 else None
