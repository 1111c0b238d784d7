"""Trace context in and out of what clients and upstreams say: `_meta` of a request, and the headers of HTTP.

Which formats are spoken is the choice of `OTEL_PROPAGATORS`. Baggage stays where it came: it is its sender's affair.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from opentelemetry import baggage, propagate, trace
from opentelemetry.context import Context

from proxy.tracing import Params
from proxy.wire import rpc

BAGGAGE = "baggage"
_HEADER = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,510}[\x21-\x7e])?")


def named(carrier: Mapping[str, Any]) -> Context:
    """The trace that `_meta` or headers name."""
    texts = {key: value for key, value in carrier.items() if isinstance(value, str)}
    return baggage.clear(propagate.extract(texts, Context()))


def valid(context: Context) -> bool:
    """Tell whether a context names a trace."""
    return trace.get_current_span(context).get_span_context().is_valid


def carrying(params: Params) -> Params:
    """The same parameters with the current span in `_meta`, in place of the one that they came with."""
    if params is not None and not isinstance(params, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        return params
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    if not carrier:
        return params
    meta = rpc.fields((params or {}).get("_meta"))
    former = propagate.get_global_textmap().fields - {BAGGAGE}
    kept = {key: value for key, value in meta.items() if key not in former}
    return {**(params or {}), "_meta": {**kept, **carrier}}


def headers(params: Any) -> Mapping[str, str]:
    """What the parameters of a request say of its trace, for those who see its headers alone."""
    meta = rpc.fields(rpc.fields(params).get("_meta"))
    fields = propagate.get_global_textmap().fields - {BAGGAGE}
    told = {key: value for key in fields if isinstance(value := meta.get(key), str)}
    return {key: value for key, value in told.items() if _HEADER.fullmatch(value)}
