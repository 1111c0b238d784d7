from __future__ import annotations

import httpx2
import psycopg
import pytest

from tests.services.nginx import MISSING, nginx, program
from tests.services.running import free_port, running


def test_a_database_is_fresh_for_each_test_and_gone_after_it(postgres_server):
    with postgres_server.database() as url:
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE t (a int)")
        with postgres_server.database() as other, psycopg.connect(other) as connection:
            assert connection.execute("SELECT to_regclass('t')").fetchone() == (None,)
        left = psycopg.connect(url)
    with pytest.raises(psycopg.OperationalError):
        left.execute("SELECT 1")
    left.close()


def test_a_test_gets_the_address_of_a_database(postgres_url):
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("SELECT current_database() LIKE 'mend_%%'").fetchone() == (True,)


@pytest.mark.skipif(program() is None, reason=MISSING)
def test_nginx_follows_the_configuration_that_it_is_given():
    port = free_port()
    text = f"pid FOLDER/pid; events {{}} http {{ server {{ listen 127.0.0.1:{port}; return 200 'here'; }} }}"
    with nginx(text, port):
        assert httpx2.get(f"http://127.0.0.1:{port}/").text == "here"
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(f"http://127.0.0.1:{port}/")


def test_a_program_that_ends_too_early_is_told_with_what_it_said(tmp_path):
    with (
        pytest.raises(RuntimeError, match="no such thing"),
        running(["sh", "-c", "echo no such thing >&2; exit 3"], tmp_path / "log", lambda: False),
    ):
        raise AssertionError
