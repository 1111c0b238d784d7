"""Which file is read, what overrides it, and what a fault in it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.commands.demo import UPSTREAMS, for_demo
from proxy.settings import ConfigError, load, load_text, wrapping
from proxy.settings.wrapping import upstream_name
from proxy.upstreams.environment import environment, withheld
from schemas.config import Config, Upstream
from schemas.generate import FILES, schema_text
from tests.promises import promise

ROOT = Path(__file__).parents[2]
ONE = '[upstreams.{name}]\ncommand = "x"\n'


def faults(text: str, name: str = "my.toml") -> tuple[str, ...]:
    with pytest.raises(ConfigError) as refused:
        load_text(name, text, {})
    return refused.value.faults


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is the user's home and configuration folder, and another that is the current one."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(project)
    return tmp_path


def test_no_configuration_is_a_valid_one(home: Path) -> None:
    assert load(env={}).config == Config()


def test_the_named_file_beats_the_environments_and_that_the_users(home: Path) -> None:
    from proxy.settings.find import config_folder

    places = [home / "a.toml", home / "b.toml", config_folder() / "proxy.toml"]
    for place in places:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(ONE.format(name=place.parent.name + place.stem), encoding="utf-8")
    env = {"MCP_MEND_CONFIG": str(places[1])}
    assert [load(places[0], env=env).path, load(env=env).path, load(env={}).path] == places


def test_a_file_in_the_current_folder_is_read_only_where_that_is_asked_for(home: Path) -> None:
    Path("proxy.toml").write_text(ONE.format(name="here"), encoding="utf-8")
    assert load(env={}).config.upstreams == {}
    assert list(load(env={}, local=True).config.upstreams) == ["here"]


def test_a_named_file_that_is_not_there_is_refused(home: Path) -> None:
    with pytest.raises(ConfigError, match="--config: there is no file"):
        load(Path("nope.toml"), env={})
    with pytest.raises(ConfigError, match="MCP_MEND_CONFIG: there is no file"):
        load(env={"MCP_MEND_CONFIG": "/nope.toml"})


def test_a_file_that_is_not_text_is_refused(home: Path) -> None:
    Path("x.toml").write_bytes(b"a = '\xff'")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load(Path("x.toml"), env={})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[repair]\nmod = "auto"', "my.toml:2: repair.mod: unknown key; did you mean mode?"),
        ("[repairs]", "my.toml:1: repairs: unknown key; did you mean repair?"),
        ('[upstreams.a]\ncommands = "x"', "my.toml:2: upstreams.a.commands: unknown key; did you mean command?"),
        (
            "[upstreams.a.tools]\nexcludes = []",
            "my.toml:2: upstreams.a.tools.excludes: unknown key; did you mean exclude?",
        ),
        ('[repair]\nmode = "on"', "my.toml:2: repair.mode: write one of 'auto', 'suggest' or 'off', not 'on'"),
        ("[journal]\nmax_mb = 0", "my.toml:2: journal.max_mb: input should be greater than or equal to 1, not 0"),
        ('[upstreams.a]\ncommand = "x"\nurl = "y"', "my.toml:1: upstreams.a: give either command (a program to start)"),
        ('[upstreams."a b"]', 'my.toml:1: upstreams."a b": give either command'),
        (
            '[upstreams.a]\ncommand = "${NOPE}"',
            "my.toml:2: upstreams.a.command: the environment variable NOPE is not set",
        ),
        ('[upstreams.a]\ncommand = "mcp-mend"', "my.toml:2: upstreams.a.command: this starts mcp-mend itself"),
        ("a = = 1", "my.toml:1: "),
    ],
)
def test_a_fault_names_file_line_key_and_remedy(text: str, said: str) -> None:
    assert any(fault.startswith(said) for fault in faults(text)), faults(text)


def test_every_fault_of_a_file_is_named_at_once() -> None:
    assert len(faults('[repair]\nmod = 1\nwhen = "x"\n[log]\nlevel = "loud"')) == 3


def test_unset_variables_are_named_beside_every_other_fault() -> None:
    text = """
[upstreams.a]
command = "${NOPE}"
[upstreams.b]
command = "mcp-mend"
[upstreams.c]
command = "x"
call_timeout = "${NEITHER}"
"""
    told = faults(text + '[log]\nlevel = "loud"')
    assert [fault.split(":")[2].strip() for fault in told] == [
        "upstreams.a.command", "upstreams.c.call_timeout", "log.level",
    ]  # fmt: skip
    assert [fault.split(":")[1] for fault in faults(text)] == ["3", "8"]


def test_a_key_unlike_any_known_one_gets_the_list() -> None:
    assert "known here: expose" in faults("[workflow]\nzzz = 1")[0].replace("budget, ", "")


def test_a_key_that_means_nothing_any_more_still_opens_and_is_told() -> None:
    loaded = load_text("a.toml", "[evolution]\nniches = false\nscores = false\n", {})
    assert loaded.config.evolution.scores is False
    assert loaded.skipped == ("evolution.niches means nothing any more and can go",)


def test_our_own_settings_may_be_json() -> None:
    assert load_text(
        "x.json", '{"upstreams": {"a": {"command": "x"}}, "repair": {"mode": "off"}}', {}
    ).config == Config(
        upstreams={"a": Upstream(command="x")}, repair=Config().repair.model_copy(update={"mode": "off"})
    )


def test_the_option_beats_the_environment_and_that_the_file(home: Path) -> None:
    Path("x.toml").write_text('[repair]\nmode = "suggest"\n[http]\ntoken = "${NAME:-}"', encoding="utf-8")
    named = Path("x.toml")
    assert load(named, env={}).config.repair.mode == "suggest"
    assert load(named, env={"MCP_MEND_MODE": "auto"}).config.repair.mode == "auto"
    overridden = load(named, env={"MCP_MEND_MODE": "auto", "NAME": "a secret"}, mode="off").config
    assert (overridden.repair.mode, overridden.secrets) == ("off", {"a secret"})
    with pytest.raises(ConfigError, match="MCP_MEND_MODE: write one of auto, suggest, off"):
        load(named, env={"MCP_MEND_MODE": "loud"})


def test_an_override_never_loosens_what_an_upstream_is_set_to(home: Path) -> None:
    text = "".join(f'{ONE.format(name=mode)}repair = "{mode}"\n' for mode in ("auto", "suggest", "off"))
    Path("x.toml").write_text(text, encoding="utf-8")

    def set_to(mode: str) -> list[str | None]:
        return [one.repair for one in load(Path("x.toml"), env={}, mode=mode).config.upstreams.values()]

    assert set_to("off") == ["off", "off", "off"]
    assert set_to("suggest") == ["suggest", "suggest", "off"]
    assert set_to("auto") == ["auto", "suggest", "off"]


def test_the_shipped_file_says_the_defaults_and_the_demos_servers() -> None:
    config = load(ROOT / "proxy.toml", env={}).config
    assert config.model_copy(update={"upstreams": {}}) == Config()
    assert config.upstreams == UPSTREAMS


@pytest.mark.parametrize("name", FILES)
def test_the_schema_files_equal_the_models(name: str) -> None:
    assert (ROOT / "schemas" / name).read_text(encoding="utf-8") == schema_text(name)


def test_the_demo_takes_its_own_servers_where_the_file_has_none() -> None:
    own = Upstream(command="mine")
    config = for_demo(Config(upstreams={"time": own, "other": own}))
    assert config.upstreams == {**UPSTREAMS, "time": own}


def test_wrap_takes_a_command_a_url_or_a_configured_upstream() -> None:
    config = Config(upstreams={"a": Upstream(command="x", call_timeout=7)})
    by_command = wrapping(config, name=None, command=["uvx", "srv", "--flag"])
    assert by_command.upstreams == {"srv": Upstream(command="uvx", args=["srv", "--flag"]).withholding(None)}
    by_url = wrapping(config, name="u", url="https://x/mcp", headers={"A": "${K}"}, env={"K": "secret!"})
    assert by_url.upstreams == {"u": Upstream(url="https://x/mcp", headers={"A": "secret!"}).withholding(None)}
    assert by_url.secrets == {"secret!"}
    assert wrapping(config, name="a").upstreams == {"a": config.upstreams["a"].withholding(None)}


@pytest.mark.parametrize(
    ("name", "command", "said"),
    [(None, [], "say what to wrap"), ("b", [], "no such upstream"), (None, ["mcp-mend"], "starts mcp-mend itself")],
)
def test_wrap_says_what_it_lacks(name: str | None, command: list[str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        wrapping(Config(), name=name, command=command)


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (["uvx", "mcp-server-time==2026.10.19"], "mcp-server-time"),
        (["uvx", "--from", "pkg", "srv", "--x"], "srv"),
        (["npx", "-y", "@scope/server-files@1.0", "/data"], "server-files"),
        (["python3.12", "-m", "server"], "server"),
        (["python", "/srv/my server.py"], "my-server"),
        ([r"C:\bin\Server.EXE"], "server"),
        (["docker", "run", "-i", "--rm", "-e", "TOKEN", "ghcr.io/me/srv"], "srv"),
    ],
)
def test_a_command_line_gives_a_short_name(command: list[str], name: str) -> None:
    assert upstream_name(command) == name


TWO = """
[upstreams.mail]
command = "mail"
env = { KEY = "${MAIL_KEY}", SHARED = "${BOTH}", AT = "${HOME}" }

[upstreams.files]
command = "files"
args = ["${BOTH}"]
%s
[planner]
backend = "openai"
base_url = "http://127.0.0.1/v1"
api_key = "${MODEL_KEY}"
"""
HAD = {"MAIL_KEY": "m", "BOTH": "b", "MODEL_KEY": "k", "HOME": "/h", "PATH": "/bin", "OTHER": "o"}
HAD |= {"MCP_MEND_HOME": "/s", "OTEL_EXPORTER_OTLP_HEADERS": "x-key=k"}
OURS = ["MCP_MEND_HOME", "MODEL_KEY", "OTEL_EXPORTER_OTLP_HEADERS"]


@promise("variables-stay-where-they-belong")
def test_an_upstream_gets_no_variable_of_another_and_none_of_ours() -> None:
    upstreams = load_text("my.toml", TWO % "", HAD).config.upstreams
    assert withheld(upstreams["mail"], HAD) == OURS
    assert withheld(upstreams["files"], HAD) == ["MAIL_KEY", *OURS]
    assert environment(upstreams["files"], HAD) == {"BOTH": "b", "HOME": "/h", "PATH": "/bin", "OTHER": "o"}


@promise("variables-stay-where-they-belong")
def test_an_upstream_that_inherits_nothing_gets_what_any_program_needs() -> None:
    files = load_text("my.toml", TWO % "inherit_env = false\nenv = { OWN = 'x' }", HAD).config.upstreams["files"]
    assert environment(files, {**HAD, "https_proxy": "p", "LC_ALL": "C"}) == {
        "HOME": "/h", "PATH": "/bin", "OWN": "x", "https_proxy": "p", "LC_ALL": "C",
    }  # fmt: skip


def test_in_front_of_one_server_the_environment_is_the_clients_own() -> None:
    config = load_text("my.toml", TWO % "", HAD).config
    assert withheld(wrapping(config, name="files").upstreams["files"], HAD) == []
