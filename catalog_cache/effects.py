"""What a tool may do to the world, read from its own words where its annotations and the configuration say nothing.

Pure. A tool is taken for reading only where its name and the main clause of its description both begin with looking or
computing and nothing speaks of changing. Silence, other languages and words that are not known here leave it unknown,
which counts as an effect: no list has to be complete for that to be safe.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from schemas.catalog import Effect, Tool, as_list, as_object

LOOKING = frozenset("get list find search read fetch lookup retrieve describe count view".split())
"""Verbs that look, whatever stands behind them."""
COMPUTING = frozenset("calculate compute convert estimate".split())
"""Verbs that make a result out of what they are given."""
PEEKING = LOOKING | COMPUTING | frozenset(
    """
    show display check verify validate compare analyze analyse evaluate inspect query explain summarize preview test
    browse is has can print return measure detect determine identify parse
    """.split()
)  # fmt: skip
"""Verbs that mostly look: enough to propose a class to a person, not to take it for granted."""

DESTROYING = frozenset(
    """
    delete remove rm rmdir drop clear erase purge wipe destroy truncate trash unlink revoke cancel stop kill terminate
    shutdown abort disable block ban pay charge refund transfer withdraw deposit buy sell purchase fire uninstall
    """.split()
)
"""Verbs of deleting, paying or stopping."""
CHANGING = DESTROYING | frozenset(
    """
    send email mail tweet post publish message notify add create insert new make build write save store put set update
    edit modify change patch replace append rename move mv copy cp upload import reply comment retweet share invite
    archive close end fund order place book reserve checkout submit execute run start launch deploy restart reboot
    trigger install enable activate register subscribe unsubscribe follow unfollow like approve reject merge commit push
    assign lock unlock open press fill refill engage release apply grant login logout authenticate resolve touch mkdir
    mark pop consume increment decrement rotate mint reset toggle schedule generate
    """.split()
)
"""Verbs that change something, where they stand as verbs."""
PLAIN = frozenset(
    """
    delete remove rm rmdir erase purge wipe destroy truncate unlink revoke terminate create insert write modify replace
    append rename send execute overwrite
    """.split()
)
"""Those of them that are no noun: they say so wherever they stand in a name."""

STANDING = frozenset(
    """
    returns gives supports requires includes uses contains works provides allows needs defaults shows does has
    is matches filters sorts covers excludes ignores respects expects queries searches results
    """.split()
)
"""Words in -s that may begin a sentence which tells how a tool looks, not what else it does."""

_JOINTS = frozenset({"and", "or", "then", "also", "n"})
_BEFORE_A_VERB = _JOINTS | {"to", "will", "would", "may", "can", "which", "that", "it"}
_AFTER_A_VERB = frozenset(
    "a an the this that these those it them its their your all any each every one new back off out up down over".split()
)
_STEERING = frozenset("sql code script command cmd statement mutation method action operation verb".split())
"""Arguments whose value says what is done, so that no word of the tool does."""
_SAVING = frozenset("save write overwrite export download destination dest delete remove create mark".split())
_PLACES = frozenset("path file filename filepath dir directory folder".split())
_CONTENT = _PLACES | frozenset("url uri link href content contents body html document".split())
_LEAD = re.compile(
    r"(?:this (?:tool|function|method|endpoint) (?:will |can )?|(?:a |the )?(?:tool|function) (?:that|which|to|for) |"
    r"use (?:this|it)(?: tool)? to |(?:allows|enables) you to |lets you )",
    re.IGNORECASE,
)
LONGEST = 4_000
"""Characters of a description that are read; a longer one is not read at all, and its tool stays unknown."""
MOST = 500
"""Parts of a schema that are looked at; a larger one leaves its tool unknown."""


def judged(tools: Sequence[Tool]) -> Iterator[Tool]:
    """The tools of one server, each with the reason why its words say that it only reads, "" where they do not."""
    shared, heads = _shared(tools), _shared_heads(tools)
    names = [tool.name for tool in tools]
    for tool in tools:
        own = tool.description
        for text in (*shared, *(name for name in names if len(name) > 3)):
            own = own.replace(text, " ")
        yield replace(tool, reading=_reading(tool, own, heads))


def seems_to_read(tool: Tool) -> bool:
    """Tell whether a tool reads, by what is known of it or by its words: enough to take a name for nearly its own."""
    proposed = proposal(tool)
    return tool.effect is Effect.READ or (proposed is not None and proposed[0] is Effect.READ)


def proposal(tool: Tool) -> tuple[Effect, str] | None:
    """The class to propose to a person for a tool of unknown effect, and why; None where nothing points to one."""
    if tool.effect is not Effect.UNKNOWN:
        return None
    parts = _words(tool.name)
    found = next((word for word in parts if word in PLAIN & DESTROYING), None) or next(
        (word for word in parts[:2] if word in DESTROYING), None
    )
    if found:
        return Effect.DESTRUCTIVE, f"its name says {found!r}"
    found = next((word for word in parts if word in PLAIN or (word in CHANGING and word == parts[0])), None)
    if found:
        return Effect.WRITE, f"its name says {found!r}"
    said = next((word for word in parts if word in PEEKING), None)
    if said is not None and not set(parts[parts.index(said) :]) & PLAIN:
        return Effect.READ, f"its name says {said!r}"
    first = _base((_words(_main_clause(tool.description)) or [""])[0])
    if first in PEEKING:
        return Effect.READ, f"its description begins with {first!r}"
    if first in CHANGING:
        return (Effect.DESTRUCTIVE if first in DESTROYING else Effect.WRITE), f"its description begins with {first!r}"
    return None


def _reading(tool: Tool, own: str, heads: Sequence[str]) -> str:
    """Why a tool's words say that it only reads; "" where they do not."""
    if len(own) > LONGEST or re.search(r"[^\W\d_a-zA-Z]", tool.name):
        return ""
    parts = _words(tool.name)
    while len(parts) > 1 and parts[0] in heads:
        parts = parts[1:]
    clause = _main_clause(own)
    said = _words(clause)
    if not parts or not said or _changes(parts, own, clause) or not _harmless_arguments(tool):
        return ""
    head, begun = parts[0], "look" if said[0] == "returns" else _base(said[0])
    looks = begun == "look" or begun in LOOKING
    if not looks and begun not in COMPUTING:
        return ""
    verbless = head not in LOOKING | COMPUTING
    if verbless and (looks or set(parts) & CHANGING or set(parts) & {_base(word) for word in _joined(said)}):
        return ""
    if (not looks or head in COMPUTING or verbless) and _takes(tool, _CONTENT):
        return ""
    named = "its name has no verb" if verbless else f"its name begins with {head!r}"
    return f"{named}, its description with {said[0]!r}, and nothing speaks of changing"


def _changes(parts: Sequence[str], own: str, clause: str) -> bool:
    """Tell whether a name or a description speaks of changing, or of anything done beside the main verb."""
    if set(parts[1:]) & PLAIN or any(word not in LOOKING | COMPUTING for word in _joined(parts)):
        return True
    said = _words(clause)
    if said[0] in ("list", "lists") and not any(word.endswith("s") for word in said[1:6]) and "contents" not in said:
        return True
    if _base(said[0]) in LOOKING and said[1:2] and said[1] in ("a", "an") and "new" in said[:4]:
        return True
    if any(_acts(sentence) for sentence in re.split(r"[.;!?\n]+", own)):
        return True
    for before, word, after in _places(own):
        base = _base(word)
        if (before == "" or before in _BEFORE_A_VERB) and base in CHANGING:
            return True
        if (
            before in _JOINTS
            and base not in LOOKING | COMPUTING
            and word not in _AFTER_A_VERB
            and after in _AFTER_A_VERB
        ):
            return True
    return False


def _acts(sentence: str) -> bool:
    """Tell whether a sentence begins with a verb in -s that is not known to look: `Downloads objects and refs`."""
    first = re.match(r"\W*+([^\W\d_]+)\s+[^\W\d_]", sentence)
    word = first[1].lower() if first else ""
    ending = word.endswith("s") and not word.endswith(("ss", "us"))
    return ending and word not in STANDING and _base(word) not in LOOKING | COMPUTING | PEEKING and word != "this"


def _joined(parts: Sequence[str]) -> list[str]:
    """The words that `and`, `or` or `then` joins to what stands before them."""
    return [word for before, word in pairwise(parts) if before in _JOINTS]


def _places(text: str) -> Iterator[tuple[str, str, str]]:
    """Each word with the one before it ("" at the begin of a clause) and the one behind it."""
    for clause in re.split(r"[.;:!?\n(),]+", text):
        parts = re.findall(r"[^\W\d_]+", clause.lower())
        for index, word in enumerate(parts):
            yield (parts[index - 1] if index else ""), word, (parts[index + 1] if index + 1 < len(parts) else "")


def _main_clause(text: str) -> str:
    first = re.split(r"[.;:\n]", text.strip().lstrip("#*-_`> \t"), maxsplit=1)[0]
    return _LEAD.sub("", first, count=1)


def _words(name: str) -> list[str]:
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return [word.lower() for word in re.findall(r"[^\W\d_]+", spaced)]


def _base(word: str) -> str:
    """A verb without the endings of `lists`, `fetches`, `created` and `creating`, as far as it is known here."""
    known = LOOKING | COMPUTING | CHANGING | PEEKING
    forms = [word, word.removesuffix("s"), word.removesuffix("es")]
    for ending in ("ed", "ing"):
        stem = word.removesuffix(ending)
        forms += [stem, f"{stem}e", stem[:-1]] if stem != word else []
    if word.endswith(("ies", "ied")):
        forms.append(word[:-3] + "y")
    return next((form for form in forms if form in known), word)


def _harmless_arguments(tool: Tool) -> bool:
    """Tell whether no argument says what is to be done, or where a result is to be put."""
    for seen, (name, schema) in enumerate(_arguments(tool.schema)):
        parts = set(_words(name))
        if seen >= MOST or parts & _STEERING or parts & _SAVING or ("output" in parts and parts & _PLACES):
            return False
        if any(_base(word) in PLAIN for value in as_list(schema.get("enum")) or [] for word in _words(str(value))):
            return False
    return True


def _takes(tool: Tool, kinds: Iterable[str]) -> bool:
    return any(set(_words(name)) & set(kinds) for name, _ in _arguments(tool.schema))


def _arguments(schema: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every property that a schema declares, at any depth down to four, with its schema; at most `MOST` and one."""
    front: list[tuple[int, Any]] = [(0, schema)]
    found = 0
    while front and found <= MOST:
        depth, node = front.pop()
        for name, inner in (as_object((as_object(node) or {}).get("properties")) or {}).items():
            found += 1
            yield name, as_object(inner) or {}
            if depth < 4:
                front += [(depth + 1, inner), (depth + 1, (as_object(inner) or {}).get("items"))]


def _shared(tools: Sequence[Tool]) -> list[str]:
    """Sentences that several tools say word for word: they describe the server."""
    said = Counter(
        sentence
        for tool in tools
        for sentence in {part.strip() for part in re.split(r"(?<=[.!?])\s|\n", tool.description[:LONGEST])}
        if len(sentence) > 3
    )
    return [sentence for sentence, times in said.items() if times > 1]


def _shared_heads(tools: Sequence[Tool]) -> list[str]:
    """First words that all names of a server have in common and that are no verbs known here: `github_get_issue`."""
    names = [_words(tool.name) for tool in tools]
    heads: list[str] = []
    while len(names) > 1 and all(len(parts) > len(heads) + 1 for parts in names):
        word = names[0][len(heads)]
        if word in LOOKING | COMPUTING | CHANGING or any(parts[len(heads)] != word for parts in names):
            break
        heads.append(word)
    return heads
