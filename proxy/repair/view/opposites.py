"""Words of names that are never exchanged for one another: opposites, and the two halves of a pair.

The one list for tool names and argument names. Pure data, and one question about it.
"""

from __future__ import annotations

from proxy.repair.view.words import stems

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
