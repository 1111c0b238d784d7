"""Where clients keep their files on this platform. Pure but for looking which files are there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Surroundings:
    """The machine as far as file places depend on it."""

    platform: str
    home: Path
    env: Mapping[str, str]

    @property
    def folders(self) -> dict[str, Path]:
        """What a place may begin with; `{roaming}` and `{local}` are of Windows only."""
        named = {"~": self.home, "{xdg}": self._named("XDG_CONFIG_HOME", ".config")}
        if self.platform == "win32":
            roaming = self._named("APPDATA", "AppData", "Roaming")
            local = self._named("LOCALAPPDATA", "AppData", "Local")
            return {**named, "{config}": roaming, "{roaming}": roaming, "{local}": local}
        mac = self.platform == "darwin"
        return {**named, "{config}": self.home / "Library" / "Application Support" if mac else named["{xdg}"]}

    def _named(self, variable: str, *usual: str) -> Path:
        return Path(self.env.get(variable) or self.home.joinpath(*usual))


def files(places: Sequence[str], at: Surroundings) -> list[Path]:
    """The files of a client that are there, else the one that would be made; empty where a client has no fixed place.

    A place that begins with a variable which is set is the only one.
    """
    found: list[Path] = []
    usual: Path | None = None
    for place in places:
        first, _, rest = place.partition("/")
        variable = at.env.get(first[1:]) if first.startswith("$") else None
        folder = Path(variable) if variable else at.folders.get(first)
        if folder is None:
            continue
        if "*" in rest:
            found += sorted(folder.glob(rest))
            continue
        usual = usual or folder / rest
        if (folder / rest).exists():
            found.append(folder / rest)
        if variable:
            break
    return found or ([usual] if usual else [])
