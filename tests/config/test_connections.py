"""Connections and secrets: told apart, never shown."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from urllib.parse import quote

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import make_url

from aureus_jupyter.adapters.config.connections import (
    Connection,
    connection_of,
    from_ini,
    redact,
    resolved_url,
)
from aureus_jupyter.adapters.config.redact import has_secret
from aureus_jupyter.adapters.config.secrets import is_reference, resolve
from aureus_jupyter.errors import Unavailable, UserError
from aureus_jupyter.values.settings import Settings

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
        ("postgresql://ana:p/w#x@host:5432/db?sslmode=require", "postgresql://ana:•••@host:5432/db?sslmode=require"),
        ("postgresql://ana:p?w@host/db", "postgresql://ana:•••@host/db"),
        ("postgresql://ana:p@s?w=1@host/db", "postgresql://ana:•••@host/db"),
        ("  postgresql://ana:p@host/db", "  postgresql://ana:•••@host/db"),
        ("redis://:p@host", "redis://:•••@host"),
        ("postgresql://ana:env:PW@host/db", "postgresql://ana:env:PW@host/db"),
        ("postgresql://ana:keyring:db/ana@host/db", "postgresql://ana:keyring:db/ana@host/db"),
        ("postgresql://ana:env:PW:x@host/db", "postgresql://ana:•••@host/db"),
        ("postgresql://host:5432/db?user=a@b&password=c d", "postgresql://host:5432/db?user=a@b&password=•••"),
        ("postgresql://host/db?password=env:PW", "postgresql://host/db?password=env:PW"),
        ("postgresql://host/db?pass%77ord=x", "postgresql://host/db?pass%77ord=•••"),
        ("postgresql://host/db?password=", "postgresql://host/db?password="),
        ("postgresql://host/db?sslpassword=a;b&x=1", "postgresql://host/db?sslpassword=•••&x=1"),
        ("mssql+pyodbc:///?odbc_connect=DRIVER%3Dx%3BPWD%3Dsecret", "mssql+pyodbc:///?odbc_connect=•••"),
        ("x://host/?options=-c%20Password%3Dsecret&y=1", "x://host/?options=•••&y=1"),
        ("x://host/?proxy=http%3A%2F%2Fa%3Ab%40c", "x://host/?proxy=•••"),
        ("host=h password='a b' dbname=d", "host=h password=•••"),
        ("Server=h;Pwd = a;b", "Server=h;Pwd =•••"),
        ("md:db?motherduck_token=abc", "md:db?motherduck_token=•••"),
        ("env:PG_URL", "env:PG_URL"),
        ("data.duckdb", "data.duckdb"),
        ("sqlite:///x.db", "sqlite:///x.db"),
    ],
)
def test_redacting(url: str, shown: str) -> None:
    assert redact(url) == shown


RAW = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20).map(lambda s: "Zq9" + s + "Vk7")


@given(RAW, st.sampled_from(["", "?sslmode=require", "/db?a=b@c"]))
def test_a_password_nobody_encoded_is_hidden_too(secret: str, tail: str) -> None:
    for url in (f"postgresql://ana:{secret}@host{tail}", f"x://h/?password={quote(secret)}", f"password={secret}"):
        shown = redact(url)
        assert "Zq9" not in shown
        assert "Vk7" not in shown
        assert has_secret(url)


@given(st.text(max_size=40))
def test_redacting_ends_and_ends_for_good(text: str) -> None:
    assert redact(redact(text)) == redact(text)


def test_a_url_gets_its_secrets_at_the_last_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PW", "p@ss/wo:rd?")
    for url in ("postgresql://ana:env:PW@h/d", "postgresql://ana:p%40ss%2Fwo%3Ard%3F@h/d"):
        assert make_url(resolved_url(url)).password == "p@ss/wo:rd?"
    told = make_url(resolved_url("postgresql://h/d?password=env:PW&x=1&x=env:PW"))
    assert told.query == {"password": "p@ss/wo:rd?", "x": ("1", "p@ss/wo:rd?")}
    assert resolved_url("postgresql://h/d?x=1") == "postgresql://h/d?x=1"
    monkeypatch.setenv("URL", "postgresql://ana:env:PW@h/d")
    assert make_url(resolved_url("env:URL")).password == "p@ss/wo:rd?"


@pytest.mark.parametrize("url", ["postgresql://ana:hunter2@h:port/d", "hunter2", "://hunter2"])
def test_a_broken_url_is_not_shown(url: str) -> None:
    with pytest.raises(UserError) as caught:
        resolved_url(url)
    assert caught.value.code == "bad_connection"
    assert "hunter2" not in str(caught.value)


def test_odd_paths(tmp_path: Path) -> None:
    for text in ("a\x00b", "~nosuchuser/x", "x" * 5000, "duckdb://", "duckdb:///:memory:"):
        with pytest.raises(UserError) as caught:
            connection_of("x", text, tmp_path)
        assert caught.value.code == "bad_connection"
    duckdb.connect(str(tmp_path / "a.duckdb")).close()
    assert connection_of("x", "duckdb:///a.duckdb?access_mode=READ_ONLY", tmp_path).location.endswith("a.duckdb")
    (tmp_path / "key=5").mkdir()
    assert connection_of("x", str(tmp_path / "key=5")).kind == "folder"


def test_a_text_form_holds_no_password() -> None:
    url = "postgresql://ana:hunter2@h/d"
    assert "hunter2" not in repr(connection_of("x", url)) + repr(Settings(connections=(("x", url),)))


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
        if service == "broken":
            raise OSError("hunter2")
        return found.get((service, user))

    fake.get_password = get_password
    monkeypatch.setitem(sys.modules, "keyring", fake)
    monkeypatch.setitem(sys.modules, "keyring.errors", errors)
    assert resolve("keyring:db/ana") == "hunter2"
    for reference, code in (
        ("keyring:db/eva", "secret_missing"),
        ("keyring:locked/x", "keyring_failed"),
        ("keyring:broken/x", "keyring_failed"),
    ):
        with pytest.raises(Unavailable) as caught:
            resolve(reference)
        assert caught.value.code == code
        assert "hunter2" not in str(caught.value)


INI = """
[DEFAULT]
host = h

[pg]
drivername = postgresql
username = ana
password = env:PW
port = 5433
database = d
query = {'sslmode': 'require', 'options': ['-c a', '-c b']}

[plain]
drivername = postgresql
username = a@b
password = p:w%%1

[lone]
drivername = postgresql
username = u
password = 10%

[duck]
drivername = duckdb
database = x.duckdb

[memory]
drivername = duckdb

[bare]
drivername = sqlite
host =
"""


def test_connections_ini(tmp_path: Path) -> None:
    path = tmp_path / "connections.ini"
    assert from_ini(path) == {}
    path.write_text(INI, "utf-8-sig")
    assert from_ini(path) == {
        "pg": "postgresql://ana:env:PW@h:5433/d?sslmode=require&options=-c+a&options=-c+b",
        "plain": "postgresql://a%40b:p%3Aw%251@h/",
        "lone": "postgresql://u:10%25@h/",
        "duck": "x.duckdb",
        "memory": "duckdb://",
        "bare": "sqlite:///",
    }
    assert "p%3Aw" not in redact(from_ini(path)["plain"])


def test_sections_mean_what_they_mean_to_jupysql(tmp_path: Path) -> None:
    from sql.parse import connection_str_from_dsn_section

    path = tmp_path / "connections.ini"
    path.write_text(INI.replace("password = 10%", "password = 10"), "utf-8")
    for section in ("pg", "plain", "lone"):
        theirs = make_url(connection_str_from_dsn_section(section, SimpleNamespace(dsn_filename=path)))
        ours = make_url(from_ini(path)[section])
        assert (ours.username, ours.password, ours.host, ours.port) == (
            theirs.username,
            theirs.password,
            theirs.host,
            theirs.port,
        )
        assert ours.query == theirs.query
        assert (ours.database or None) == theirs.database


@pytest.mark.parametrize(
    "text",
    [
        "[x]\nhost = h\n",
        "nonsense",
        "[x]\ndrivername = a\nport = b\n",
        "[x]\ndrivername = a\nport = \u0663\n",
        "[x]\n[x]\n",
        "[x]\ndrivername = a\nquery = __import__('os')\n",
        "[x]\ndrivername = a\nquery = [1]\n",
        "[x]\ndrivername = a\nquery = {" + "(" * 500 + "\n",
        "[x]\ndrivername = a\nhunter = 2\n",
        "\udcff",
    ],
)
def test_malformed_ini(text: str, tmp_path: Path) -> None:
    (tmp_path / "connections.ini").write_text(text, "utf-8", errors="surrogateescape")
    with pytest.raises(UserError) as caught:
        from_ini(tmp_path / "connections.ini")
    assert caught.value.code == "connections_malformed"
    assert "connections.ini" in caught.value.message


def test_a_folder_called_connections_ini(tmp_path: Path) -> None:
    (tmp_path / "connections.ini").mkdir()
    with pytest.raises(UserError) as caught:
        from_ini(tmp_path / "connections.ini")
    assert caught.value.code == "connections_malformed"
