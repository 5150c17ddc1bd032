import copy
from pathlib import Path
from typing import Any

import pytest

from geoportal.messaging import topics
from geoportal.messaging.device.config import AgentConfig, ConfigError, from_document, load

GOOD: dict[str, Any] = {
    "device": {"devid": "ap-01", "kind": "ap", "interval_s": 60},
    "broker": {"host": "broker.example", "port": 8883, "username": "ap-01", "password": "s", "tls": True, "ca": ""},
    "spool": {"path": "/var/lib/agent", "max_mb": 8},
}


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    config = AgentConfig(
        devid="totem-01",
        kind="totem",
        host="127.0.0.1",
        port=18883,
        username="totem-01",
        password='quote " and \\ è',
        spool_path=str(tmp_path),
        source={"home": "http://localhost/"},
    )
    path = tmp_path / "totem-01.toml"
    path.write_text(config.to_toml(), encoding="utf-8")
    assert load(path) == config
    assert load(path).up("tele") == topics.up("totem-01", "tele")
    assert config.spool_file == tmp_path / "totem-01.sqlite3"
    assert "quote" not in repr(config)


def test_a_shard_of_the_centres_choice_holds_and_a_spool_lies_beside_the_file(tmp_path: Path) -> None:
    document = copy.deepcopy(GOOD)
    document["device"]["shard"] = "0e"
    document["spool"]["path"] = "ap-01.spool.sqlite"
    config = from_document(document)
    assert config.up("tele") == "cremona/v1/0e/ap-01/up/tele"
    assert config.down("ack") == "cremona/v1/0e/ap-01/dn/ack"
    (tmp_path / "ap-01.toml").write_text(config.to_toml(), encoding="utf-8")
    assert load(tmp_path / "ap-01.toml").spool_file == tmp_path / "ap-01.spool.sqlite"


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("device.devid", "AP 01", "3 to 32"),
        ("device.devid", None, "device.devid is missing"),
        ("device.kind", "lamp", "'ap' or 'totem'"),
        ("device.shard", "xyz", "two of 0-9 and a-f"),
        ("device.interval_s", 0, "between 1 and 86400"),
        ("device.interval_s", True, "must be a number"),
        ("broker.port", 70000, "between 1 and 65535"),
        ("broker.port", "1883", "must be a number"),
        ("broker.password", "", "broker.password is empty"),
        ("broker.password", 12, "must be of type str"),
        ("broker.username", "ap-02", "must be the device id"),
        ("broker.ca", "/nowhere/ca.pem", "not a file"),
        ("broker.tls", "yes", "must be of type bool"),
        ("spool.max_mb", 0, "between 0.05 and 4096"),
    ],
)
def test_what_is_wrong_is_named(key: str, value: object, words: str) -> None:
    document = copy.deepcopy(GOOD)
    table, _, name = key.partition(".")
    if value is None:
        del document[table][name]
    else:
        document[table][name] = value
    with pytest.raises(ConfigError) as error:
        from_document(document)
    assert key in str(error.value)
    assert words in str(error.value)


def test_a_file_that_is_missing_or_no_toml_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"agent\.toml cannot be read"):
        load(tmp_path / "agent.toml")
    (tmp_path / "agent.toml").write_text("[device\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"agent\.toml is not valid TOML"):
        load(tmp_path / "agent.toml")
