"""What repair promises, one line each, and the marker by which a test says which promise it shows.

A promise without a test and a test of an unknown promise both fail, in `test_promises.py`.
"""

# ruff: noqa: E501  a promise stands on one line
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

PROMISES = {
    # the laws of sending
    "unknown-effect-is-an-effect": "A tool reads only where the configuration, its annotation, or name and description together say so; silence and other languages count as an effect.",
    "nothing-asked-for-is-lost": "A repaired call holds every argument that was asked for, and none that its tool would ignore.",
    "names-are-letters": "Names are compared by their letters in every script; a form of which nothing is left equals nothing.",
    "names-have-owners": "A name that begins with a configured server's prefix is that server's, connected or not, and a step that names a server goes nowhere else.",
    "every-plan-has-a-report": "Whatever a plan, a client or an upstream says ends in a report that can be written down, never in an exception.",
    "repairs-explain-the-plan": "The listed repairs, applied to the submitted plan, give the final one.",
    "everything-ends": "Time, bytes, depth and counts of a workflow are bounded, and a bound that is hit is said.",
    "numbers-are-exact": "A number that a float cannot hold exactly never becomes an integer, and 3 and 3.0 are one call.",
    "values-stay-where-they-are": "A value of one upstream goes to another only by a reference that the plan wrote.",
    "foreign-text-is-data": "What an upstream says is read in linear time, and proves nothing that the schema does not show.",
    # forwarding
    "forwarded-as-it-came": "A call goes upstream as the client wrote it, with all its params.",
    "accepted-is-never-changed": "A call that its upstream accepts is never rewritten, and its result is the upstream's own object.",
    "off-only-forwards": "With repair off nothing is repaired, suggested or added.",
    "before-is-opted-into": "Only where the user asks for it is a call rewritten before its first sending, and only losslessly.",
    # single calls
    "repaired-call-says-so": "A repaired call's result is the upstream's own plus a note of every edit under _meta.",
    "own-error-plus-diagnosis": "A call that stays failed returns the upstream's own error, with a diagnosis where the user wants it.",
    "rpc-error-keeps-its-data": "A JSON-RPC error keeps code, message and data; the diagnosis joins data only where it can.",
    "guess-only-where-nothing-changes": "For a single call a guess is sent only to a read-only tool, else it is suggested.",
    "person-may-choose": "Where the user allows it, the person behind the client chooses among repairs that the evidence left open.",
    "session-is-evidence": "What earlier calls of the same session returned is evidence, and never crosses sessions.",
    "names-resolve-exactly": "A name is resolved by exact normalisation, or where only typing errors keep it from one tool's; else the nearest tools are told and nothing is sent.",
    # values and arguments
    "values-fit-their-schema": "A coerced value satisfies its schema and keeps its meaning; nothing is invented, clamped or torn out of a text.",
    "sound-values-stay": "A value that satisfies its schema is left alone, but for integral floats.",
    "names-by-evidence": "An argument is renamed by spelling, fit and likeness, never into its opposite.",
    "nothing-restricting-is-dropped": "An argument that could restrict a call is never left out.",
    "wrappers-are-opened": "Arguments inside a wrapper, or without the one they need, are put where they belong.",
    "refusals-are-read": "What an upstream's error text says about arguments is read in every common style, and nothing else is read into it.",
    "silent-failures-are-seen": "Success with an error inside counts as failure; an honest empty result does not.",
    # foreign text
    "foreign-text-is-linear": "Reading an error text, a description, a goal or a value takes work linear in its length.",
    "schemas-act-on-nothing": "A schema loads nothing, its patterns run linear, and one without end allows everything.",
    "depth-is-bounded": "A value nested however deep raises nothing; what lies too deep is passed on, not read.",
    "never-rendered-raw": "Control and direction characters of a foreign text are shown as escapes, never printed raw.",
    "addresses-without-secrets": "An address is shown without user name, password and secret query values.",
    # plans
    "refs-resolve": "A reference sees structured content, else JSON text, else text; paths are dots or JSON Pointer, negative indexes included.",
    "literals-stay-literal": "What is not exactly a reference to a step stays what it is.",
    "interpolation-is-grounded": "A reference inside a longer text is filled in, in arguments and in output.",
    "dialects-are-spelling": "Other spellings of plans and references are read, reported as normalised, and are no repair.",
    "default-output": "Without output, a plan returns its final step's result, or one result per final step.",
    "order-is-kept": "References and after beat the list; effects wait for what is listed before them; reads run in parallel.",
    "sent-as-written-first": "A step is edited before its first sending only if it cannot be sent or lacks a required argument.",
    "references-are-repaired": "A reference is repaired from what steps really returned.",
    "missing-is-filled-by-evidence": "A missing argument comes from schema, goal or results, or not at all.",
    "missing-producers-are-added": "A step that a reference needs and the plan lacks is added only where all it requires has a source, and only if it reads.",
    "superfluous-steps-go": "A step that stands twice under one id runs once; no other step that was asked for is ever taken out.",
    "goal-is-covered": "A repaired plan is claimed only if it uses what the goal states and an argument is free for, in the unit it is described in.",
    "abstains": "Where the evidence does not single out one repair, none is taken and the report says what is wrong.",
    "wrong-result-stays-where-it-was-made": "A guess about what a step does is held against what reads its result, before an effect acts on it.",
    "mechanisms-switch": "Each mechanism of the search can be switched off alone, and then does nothing.",
    "report-fields": "A report has its documented fields, and its figures are those of the run.",
    "modes": "suggest stops at the first failure and only proposes; off only runs; the stricter of user and submission holds.",
    "budgets-hold": "A run keeps to its calls, generations and seconds, and then hands back the best it has.",
    "cancelling-stops": "A cancelled run sends nothing more.",
    "all-faults-at-once": "A malformed plan is a failed report that names every fault.",
    "told-while-it-runs": "Progress tells generation, best score and failing step.",
    "waits-for-upstreams": "A call to an upstream that is still connecting waits for it.",
    "resubmittable": "The reported plan can be submitted again as it is, and then needs no repair.",
    # laws
    "apply-is-safe": "An edit leaves a plan acyclic and its references whole, or says why it cannot be applied.",
    "sound-plan-untouched": "A sound plan is never edited, and each of its calls is sent once.",
    "render-parse": "Reading a written plan gives the same plan, with nothing normalised.",
    "repeatable": "The same seed, catalog and answers give the same search.",
    "fidelity-costs": "A candidate that loses what was asked for scores less than one that fails to do it.",
    "diverse-population": "Pruning never loses the best; what differs in structure is tried as a rival, and has to agree.",
    # the edge
    "variables-stay-where-they-belong": "Behind the aggregated endpoint a server gets no variable that the configuration uses for another server or for ourselves, and none of ours.",
    "every-call-is-answered": "Whatever an upstream or a client writes, each request is answered at once: passed on if it can be, else told what was wrong.",
    "closed-pipes-are-replaced": "A server that closes its stdin or stdout but lives is ended and started anew.",
    "calls-under-way-are-finished": "Calls under way are answered before the proxy ends, within seconds; who asks twice is not kept waiting.",
    "lost-sessions-are-renewed": "A server that says it no longer knows the session it is named gets a new one, and the same call once more.",
    "every-call-has-a-row": "Each call is in the journal, cancelled and lost ones too.",
    "journal-holds-nobody-up": "No call waits for the journal longer than moments; what it cannot hold is told, and an effect of a workflow that it cannot note is not sent.",
    "replayed-alike": "The plan of a recorded repair, run anew with the same answers, gives the report that is on record but for times and ids.",
    "door-is-strict": "Over HTTP a Host, an Origin and a token are taken in one form, once, or not at all.",
    "sessions-are-counted": "There are no more client sessions than the user allows; idle ones make room, and who finds none is told why.",
    "slow-clients-go": "A connection whose request does not arrive in time is ended, and there are only so many at once.",
    "one-tool-spoils-no-list": "Where several upstreams are shown as one, a tool with a broken schema is listed with what is valid of it.",
    "nothing-piles-up": "What waits for somebody who does not read is bounded, towards clients and upstreams.",
    # effects
    "effects-are-the-persons-to-say": "What a person says of a tool holds for exactly that tool, in every proxy, and beats what the tool says of itself.",
    "pause-forwards-untouched": "A paused server is forwarded untouched at once, in every running proxy, until it is switched back.",
    "effects-once": "No effect happens twice for one intent, whatever upstreams answer.",
    "unknown-outcome-is-said": "After a call of unknown outcome nothing more is sent for its step, and the report says so.",
    "noted-before-sent": "A workflow's effect is on disk as sent before it leaves.",
    "resume-repeats-nothing": "A run that was killed goes on without repeating what it had sent.",
    "swaps-within-policy": "Search swaps tools only within the effects policy.",
    # tenants
    "tenants-see-their-own": "A tenant sees and calls what its token grants, by whatever way: lists, calls, repairs, plans, resources; the rest is not there.",
    "tenants-use-their-own-logins": "Where each tenant logs in to a server for itself, no request of one carries the login or the session of another, or of whoever runs the proxy.",
    "tenants-never-meet": "Sessions, paused calls, evidence and journal entries of one tenant are unknown to every other.",
    "tenants-are-bounded": "A tenant's calls, those of repairs included, stay within its limits, and a call beyond them is told which and how long to wait.",
    "tokens-end": "A token that was revoked or has expired lets nobody in, and what it had under way ends.",
    # harm
    "every-fault-is-answered": "Whatever a server does wrong, each call is answered exactly once, within its time, with what happened, and the others do not notice.",
    "nothing-throws-us": "Nothing that a client, a plan, a server or a file says ends in an exception of ours.",
    "foreign-text-is-bounded": "Work on foreign texts, schemas and values grows no faster than they do, and schemas load nothing.",
    "grounded-report": "Each result in a report names the call that it came from.",
}  # fmt: skip


def promise(*names: str) -> Callable[[Any], Any]:
    """Mark a test, or a whole module as `pytestmark`, as showing these promises."""
    unknown = [name for name in names if name not in PROMISES]
    if unknown:
        raise KeyError(f"no such promise: {', '.join(unknown)}")
    return pytest.mark.promise(*names)
