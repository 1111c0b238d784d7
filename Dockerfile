# docker build -t mcp-mend .                    stdio, for `docker run -i`
# docker build -t mcp-mend-http --target http . Streamable HTTP on port 8765, with a health check
FROM ghcr.io/astral-sh/uv:0.13.7 AS uv

FROM node:26.12.0-trixie-slim AS build
COPY --from=uv /uv /usr/local/bin/
ENV UV_PYTHON_INSTALL_DIR=/python UV_PYTHON_BIN_DIR=/python/bin UV_PYTHON=3.13 \
    UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1
RUN uv python install
WORKDIR /app
COPY pyproject.toml uv.lock README.md LICENSE ./
RUN uv sync --frozen --no-default-groups --extra postgres --no-install-project
COPY proxy proxy
COPY schemas schemas
COPY catalog_cache catalog_cache
RUN uv sync --frozen --no-default-groups --extra postgres --no-editable

# node and uv stay, so that servers which are started by npx or uvx start here too.
FROM node:26.12.0-trixie-slim AS run
LABEL io.modelcontextprotocol.server.name="io.github.mcp-mend/mcp-mend" \
    org.opencontainers.image.licenses="Apache-2.0"
COPY --from=uv /uv /uvx /usr/local/bin/
COPY --from=build /python /python
COPY --from=build /app/.venv /app/.venv
RUN mkdir /data && chown 1000:1000 /data
ENV PATH=/app/.venv/bin:/python/bin:$PATH MCP_MEND_HOME=/data
VOLUME /data
USER 1000:1000
WORKDIR /home/node
ENTRYPOINT ["mcp-mend"]

FROM run AS http
EXPOSE 8765
HEALTHCHECK CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8765/healthz')"]
CMD ["serve", "--http", "0.0.0.0:8765"]

FROM run AS stdio
CMD ["serve"]
