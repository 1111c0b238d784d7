"""A collector that takes OTLP over HTTP and decodes it as the protocol says."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

KINDS: dict[str, type[Any]] = {
    "/v1/traces": ExportTraceServiceRequest,
    "/v1/metrics": ExportMetricsServiceRequest,
    "/v1/logs": ExportLogsServiceRequest,
}


class Collector:
    """What has come in so far, decoded and as bytes."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, Any]] = []
        self.raw: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.url = ""
        self._came = threading.Condition()

    def take(self, path: str, body: bytes, headers: dict[str, str]) -> None:
        message = KINDS[path]()
        message.ParseFromString(body)
        with self._came:
            self.taken.append((path, message))
            self.raw.append(body)
            self.headers.append(headers)
            self._came.notify_all()

    def wait(self, enough: Callable[[], bool]) -> None:
        with self._came:
            assert self._came.wait_for(enough, timeout=30), [path for path, _ in self.taken]

    def every_span(self) -> list[Any]:
        return [span for scope in self._scopes("/v1/traces", "spans") for span in scope.spans]

    def spans(self) -> dict[str, Any]:
        """The spans by name, the last of each."""
        return {span.name: span for span in self.every_span()}

    def metrics(self) -> dict[str, Any]:
        """The metrics by name, as last told."""
        return {one.name: one for scope in self._scopes("/v1/metrics", "metrics") for one in scope.metrics}

    def logs(self) -> list[Any]:
        return [line for scope in self._scopes("/v1/logs", "logs") for line in scope.log_records]

    def resource(self) -> dict[str, str]:
        """What the sender says of itself."""
        sent = next(message for path, message in self.taken if path == "/v1/traces")
        return {one.key: one.value.string_value for one in sent.resource_spans[0].resource.attributes}

    def _scopes(self, path: str, kind: str) -> Iterator[Any]:
        for came, message in list(self.taken):
            if came == path:
                for resource in getattr(message, f"resource_{kind}"):
                    yield from getattr(resource, f"scope_{kind}")


def told(record: Any) -> dict[str, Any]:
    """The attributes of a span, a point or a line."""
    return {one.key: getattr(one.value, str(one.value.WhichOneof("value"))) for one in record.attributes}


@contextmanager
def collecting() -> Generator[Collector]:
    """A collector at work on a free port."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            collector.take(self.path, body, {key.lower(): value for key, value in self.headers.items()})
            self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
