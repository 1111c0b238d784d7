"""Words of names that are never exchanged for one another: opposites, the halves of a pair, looking and changing.

Pure; the one list for tool names and argument names.
"""

from __future__ import annotations

import re
from itertools import pairwise

from catalog_cache.effects import CHANGING, PEEKING
from proxy.repair.view.words import stems, words

_PAIRS = """
start/stop start/end start/finish begin/end open/close add/remove create/delete insert/delete push/pull upload/download
import/export load/unload show/hide login/logout get/set read/write
encrypt/decrypt encode/decode compress/decompress pack/unpack serialize/deserialize lock/unlock
increase/decrease raise/lower pause/resume enable/disable attach/detach mount/unmount connect/disconnect
approve/reject accept/reject accept/decline allow/deny grant/revoke include/exclude
buy/sell send/receive lend/borrow deposit/withdraw credit/debit income/expense
up/down on/off in/out true/false min/max minimum/maximum lower/upper first/last next/previous before/after since/until
early/late earliest/latest old/new inner/outer top/bottom left/right north/south east/west ascending/descending asc/desc
from/to source/target source/destination src/dst src/dest origin/destination arrival/departure
sender/receiver sender/recipient parent/child buyer/seller owner/guest
width/height lat/lon lat/lng latitude/longitude row/column username/password key/value question/answer
plus/minus positive/negative success/failure private/public
"""
OPPOSITES = frozenset(frozenset(pair.split("/")) for pair in _PAIRS.split())
"""Every pair, in either order."""


def opposite(left: str, right: str) -> bool:
    """Tell whether two names differ in a word and its opposite: `start_date` and `end_date`."""
    ours, theirs = stems(left), stems(right)
    return any(frozenset((mine, other)) in OPPOSITES for mine in ours - theirs for other in theirs - ours)


EMPTY_WORDS = frozenset({"v", "run", "do", "tool", "call", "exec", "execute", "api", "func", "function"})
"""Words that are added to or dropped from tool names between versions of a server; digits count as such too."""


def verbs(name: str) -> frozenset[str]:
    """The words of a tool name that are verbs of effect, those behind a `re` (refill, resend) included."""
    parts = meaningful(name)
    if parts and parts[0] in PEEKING:
        parts = tuple(word for before, word in pairwise(parts) if before in ("and", "or", "then"))
    found = {word for word in parts if word in CHANGING}
    found |= {word[2:] for word in parts if re.match(r"re[a-z]{3,}", word) and word[2:] in CHANGING}
    return frozenset(found)


def contrary(said: str, name: str) -> bool:
    """Tell whether two tool names differ in a word and its opposite, or where one looks, in one that changes."""
    ours, theirs = set(words(said)), set(words(name))
    return any(_opposed(mine, other) for mine in ours - theirs for other in theirs - ours)


def _opposed(mine: str, other: str) -> bool:
    turned = {f"{prefix}{word}" for prefix in ("un", "de", "dis") for word in (mine, other)}
    looks = mine in PEEKING and other in CHANGING
    return looks or frozenset((mine, other)) in OPPOSITES or mine in turned or other in turned


def meaningful(name: str) -> tuple[str, ...]:
    """The words of a tool name without version marks and empty words; all of them where nothing else is left."""
    parts = tuple(word for word in words(name) if word not in EMPTY_WORDS and not word.isdigit())
    return parts or words(name)
