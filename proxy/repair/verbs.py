"""Verbs in tool names that say what a tool may do to the world. Pure data, and one question about it."""

from __future__ import annotations

import re
from itertools import pairwise

from proxy.repair.opposites import OPPOSITES
from proxy.repair.words import words

SPEAKING_VERBS = frozenset("send email mail tweet post publish message notify".split())
"""Verbs that say something to somebody."""

GRAVE_VERBS = SPEAKING_VERBS | frozenset(
    """
    delete remove rm rmdir drop clear erase purge wipe destroy truncate trash unlink revoke cancel stop kill terminate
    shutdown abort disable block ban pay charge refund transfer withdraw deposit buy sell purchase fire uninstall format
    """.split()
)
"""Verbs of deleting, sending, paying or stopping: a search never swaps into them of its own accord."""

EFFECT_VERBS = (GRAVE_VERBS - {"format"}) | frozenset(
    """
    create add insert new make build write save store put set update edit modify change patch replace append rename
    move mv copy cp upload import reply comment retweet share invite archive close end fund order place book reserve
    checkout submit execute run start launch deploy restart reboot trigger install enable activate register subscribe
    unsubscribe follow unfollow like approve reject merge commit push assign lock unlock open press fill refill engage
    release apply grant login logout authenticate resolve touch mkdir
    """.split()
)
"""Verbs that change something: a tool of unknown effect with one of these in its name is treated as having one."""


VAGUE = frozenset("open run execute start launch end order place book like follow touch press fund".split())
"""Verbs of effect that may as well be nouns, or stand for a mere look: no proof that a change was wanted."""

READING_VERBS = frozenset(
    "get list show view read fetch find search check lookup describe count display retrieve query estimate compute "
    "calculate convert validate verify preview is has can".split()
)
"""Verbs that only look: behind one of them a verb of effect is a noun (`get_order`), unless `and` joins the two."""

EMPTY_WORDS = frozenset({"v", "run", "do", "tool", "call", "exec", "execute", "api", "func", "function"})
"""Words that are added to or dropped from tool names between versions of a server; digits count as such too."""


def verbs(name: str) -> frozenset[str]:
    """The words of a tool name that are verbs of effect, those behind a `re` (refill, resend) included."""
    parts = meaningful(name)
    if parts and parts[0] in READING_VERBS:
        parts = tuple(word for before, word in pairwise(parts) if before in ("and", "or", "then"))
    found = {word for word in parts if word in EFFECT_VERBS}
    found |= {word[2:] for word in parts if re.match(r"re[a-z]{3,}", word) and word[2:] in EFFECT_VERBS}
    return frozenset(found)


def contrary(said: str, name: str) -> bool:
    """Tell whether two tool names differ in a word and its opposite, or where one looks, in one that changes."""
    ours, theirs = set(words(said)), set(words(name))
    return any(_opposed(mine, other) for mine in ours - theirs for other in theirs - ours)


def _opposed(mine: str, other: str) -> bool:
    turned = {f"{prefix}{word}" for prefix in ("un", "de", "dis") for word in (mine, other)}
    looks = mine in READING_VERBS and other in EFFECT_VERBS
    return looks or frozenset((mine, other)) in OPPOSITES or mine in turned or other in turned


def meaningful(name: str) -> tuple[str, ...]:
    """The words of a tool name without version marks and empty words; all of them where nothing else is left."""
    parts = tuple(word for word in words(name) if word not in EMPTY_WORDS and not word.isdigit())
    return parts or words(name)
