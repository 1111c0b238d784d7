"""The files of deploy/ belong together: configurations that load, and ends that leave time to drain."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from proxy.frontends.owners import Ids
from proxy.settings import load
from proxy.upstreams.auth.sealed import KEY
from schemas.config import Config

DEPLOY = Path(__file__).parents[1] / "deploy"
GIVEN = {
    "MEND_TOKEN": "a token",
    "MEND_REPLICAS_KEY": "k" * 64,
    "MEND_DATABASE_PASSWORD": "secret",
    "MEND_STORE_URL": "postgresql://mend:secret@db.example.com/mend",
    "MEND_REPLICA": "proxy-1",
    "POD_IP": "10.0.0.5",
}
REST = 5
"""Seconds for the store and for servers on stdio, once calls under way have ended."""


def of_yaml(name: str) -> Any:
    return YAML(typ="safe").load(DEPLOY / name)


def configured(text: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    for name, value in GIVEN.items():
        monkeypatch.setenv(name, value)
    file = folder / "proxy.toml"
    file.write_text(text)
    return load(file).config


def draining(config: Config) -> int:
    return config.replicas.leave_seconds + config.http.drain_seconds


def test_the_replicas_of_compose_can_drain_before_they_are_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = configured((DEPLOY / "proxy.toml").read_text(), tmp_path, monkeypatch)
    services = of_yaml("compose.yaml")["services"]
    for name in ("proxy-1", "proxy-2"):
        assert int(services[name]["stop_grace_period"].removesuffix("s")) >= draining(config) + REST
        assert services[name]["environment"]["MEND_REPLICA"] == name
        assert f"{name}:{services[name]['networks']['mend']['ipv4_address']}" in services["nginx"]["extra_hosts"]
    assert config.replicas.address == "http://proxy-1:8765"
    assert config.store.url.startswith("postgresql://")


def test_the_pods_can_drain_before_they_are_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = configured(of_yaml("kubernetes/config.yaml")["data"]["proxy.toml"], tmp_path, monkeypatch)
    pod = of_yaml("kubernetes/deployment.yaml")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    waits = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pod["terminationGracePeriodSeconds"] >= waits + draining(config) + REST
    assert config.replicas.address == f"http://10.0.0.5:{container['ports'][0]['containerPort']}"
    asked = {name for name in GIVEN if f"${{{name}}}" in of_yaml("kubernetes/config.yaml")["data"]["proxy.toml"]}
    assert {*asked, KEY} == {"POD_IP", *of_yaml("kubernetes/secret.yaml")["stringData"]}
    assert KEY in of_yaml("compose.yaml")["x-environment"]


def test_requests_of_a_session_go_to_its_owner_at_once() -> None:
    routes = re.findall(r"~\^(.*)\\. (owner-\d);", (DEPLOY / "nginx.conf").read_text())
    for name, (begins, owner) in zip(("proxy-1", "proxy-2"), routes, strict=True):
        assert Ids(f"http://{name}:8765", "k" * 32).new().startswith(f"{begins}.")
        assert f"upstream {owner} {{ server {name}:8765 " in (DEPLOY / "nginx.conf").read_text()


def test_a_post_is_never_sent_to_a_second_replica_once_it_was_sent_to_a_first() -> None:
    (tries,) = re.findall(r"^ *proxy_next_upstream (.*);$", (DEPLOY / "nginx.conf").read_text(), re.M)
    assert set(tries.split()) <= {"error", "timeout"}
