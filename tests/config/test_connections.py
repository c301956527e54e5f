"""Connections and secrets: told apart, never shown."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from urllib.parse import quote

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aureus_jupyter.adapters.config.connections import Connection, connection_of, from_ini, redact
from aureus_jupyter.adapters.config.secrets import is_reference, resolve
from aureus_jupyter.errors import Unavailable, UserError

SECRET = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=4, max_size=20).map(lambda s: "Zq9" + s)


@given(SECRET)
def test_a_password_is_never_shown(secret: str) -> None:
    for url in (
        f"postgresql://ana:{quote(secret, safe='')}@host:5432/db",
        f"postgresql+psycopg://ana:{quote(secret, safe='')}@host/db?sslmode=require",
        f"postgresql://host/db?user=ana&password={quote(secret, safe='')}",
        f"mssql://host/db;pwd={quote(secret, safe='')};x=1",
    ):
        shown = redact(url)
        assert quote(secret, safe="") not in shown
        assert "host" in shown


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://ana:p@ss@host/db", "postgresql://ana:•••@host/db"),
        ("postgresql://ana@host/db", "postgresql://ana@host/db"),
        ("data.duckdb", "data.duckdb"),
        ("sqlite:///x.db", "sqlite:///x.db"),
    ],
)
def test_redacting(url: str, shown: str) -> None:
    assert redact(url) == shown


def test_kinds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    duckdb.connect(str(tmp_path / "a.duckdb")).close()
    assert connection_of("x", "a.duckdb", tmp_path) == Connection(
        alias="x", kind="duckdb", location=str(tmp_path / "a.duckdb")
    )
    assert connection_of("x", f"duckdb:///{tmp_path}/a.duckdb").kind == "duckdb"
    assert connection_of("x", str(tmp_path)).kind == "folder"
    assert connection_of("x", "postgresql://ana:secret@h/d").shown == "postgresql://ana:•••@h/d"
    monkeypatch.setenv("MY_URL", "postgresql://ana:secret@h/d")
    told = connection_of("x", "env:MY_URL")
    assert (told.kind, told.location) == ("sqlalchemy", "env:MY_URL")
    monkeypatch.setenv("MY_FILE", str(tmp_path))
    assert connection_of("x", "env:MY_FILE").kind == "folder"
    with pytest.raises(UserError) as caught:
        connection_of("x", "nosuch.duckdb")
    assert caught.value.code == "bad_connection"


def test_references(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PW", "hunter2")
    assert is_reference("env:PW")
    assert not is_reference("plain")
    assert resolve("env:PW") == "hunter2"
    assert resolve("plain") == "plain"
    with pytest.raises(Unavailable) as caught:
        resolve("env:NO_SUCH_THING")
    assert caught.value.code == "secret_missing"


def test_the_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    from keyring import errors

    fake = ModuleType("keyring")
    found = {("db", "ana"): "hunter2"}

    def get_password(service: str, user: str) -> str | None:
        if service == "locked":
            raise errors.KeyringLocked
        return found.get((service, user))

    fake.get_password = get_password
    monkeypatch.setitem(sys.modules, "keyring", fake)
    monkeypatch.setitem(sys.modules, "keyring.errors", errors)
    assert resolve("keyring:db/ana") == "hunter2"
    for reference, code in (("keyring:db/eva", "secret_missing"), ("keyring:locked/x", "keyring_failed")):
        with pytest.raises(Unavailable) as caught:
            resolve(reference)
        assert caught.value.code == code


def test_connections_ini(tmp_path: Path) -> None:
    path = tmp_path / "connections.ini"
    assert from_ini(path) == {}
    path.write_text(
        "[pg]\ndrivername = postgresql\nusername = ana\npassword = env:PW\nhost = h\nport = 5433\ndatabase = d\n\n"
        "[plain]\ndrivername = postgresql\nusername = a@b\npassword = p:w\nhost = h\n\n"
        "[duck]\ndrivername = duckdb\ndatabase = x.duckdb\n\n[memory]\ndrivername = duckdb\n\n[bare]\ndrivername = sqlite\n"
    )
    assert from_ini(path) == {
        "pg": "postgresql://ana:env:PW@h:5433/d",
        "plain": "postgresql://a%40b:p%3Aw@h/",
        "duck": "x.duckdb",
        "memory": "duckdb://",
        "bare": "sqlite:///",
    }
    assert "p%3Aw" not in redact(from_ini(path)["plain"])


@pytest.mark.parametrize("text", ["[x]\nhost = h\n", "nonsense", "[x]\ndrivername = a\nport = b\n", "[x]\n[x]\n"])
def test_malformed_ini(text: str, tmp_path: Path) -> None:
    (tmp_path / "connections.ini").write_text(text)
    with pytest.raises(UserError) as caught:
        from_ini(tmp_path / "connections.ini")
    assert caught.value.code == "connections_malformed"
