"""What an address of a PostgreSQL database says, and what of it nobody may see. Pure."""

from __future__ import annotations

from urllib.parse import parse_qsl, unquote

UNREADABLE = "store.url is no address of a PostgreSQL database: postgresql://USER:PASSWORD@HOST:PORT/DATABASE"


def shown(url: str) -> str:
    """The address without its user, its password and its parameters."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2].partition('?')[0]}"


def passwords(url: str) -> set[str]:
    """Every text of an address that may be a password, as written and as meant."""
    rest = url.partition("://")[2]
    users = {rest.partition("@")[0], rest.rpartition("@")[0]} if "@" in rest else set[str]()
    found = {user.partition(":")[2] for user in users}
    found |= {value for name, value in parse_qsl(rest.partition("?")[2]) if "password" in name.lower()}
    return (found | {unquote(one) for one in found}) - {""}


def without_passwords(text: str, url: str) -> str:
    """A text, as a driver says it, without the passwords of the address."""
    for password in sorted(passwords(url), key=len, reverse=True):
        text = text.replace(password, "[redacted]")
    return text


def fault(url: str) -> str | None:
    """Why an address would be read otherwise than it is meant, with parts of its password taken for a host or port."""
    rest = url.partition("://")[2].partition("?")[0]
    host, slash, path = rest.rpartition("@")[2].partition("/")
    if rest.count("@") > 1 or "@" in path or (slash and "/" in rest.rpartition("@")[0]):
        return "store.url: user and password may hold no @ and no / as they are: write %40 and %2F"
    ports = [each.rpartition("]")[2].rpartition(":")[2] for each in host.split(",") if ":" in each.rpartition("]")[2]]
    if not all(port.isdigit() for port in ports):
        return "store.url: behind the host and a colon stands its port, a number"
    return None
