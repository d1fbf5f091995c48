"""Data and Accounts: files looked at and taken, rows set aside, backup, roles, sessions, audit."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from sweepplan.app import access, intake, keeping
from sweepplan.errors import SourceError
from sweepplan.store import Store
from tests.app_pages import press, table, text_of


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "own.sqlite")


@pytest.fixture
def settings(city: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SWEEPPLAN_SETTINGS", str(city))
    return city


def test_a_file_is_looked_at_before_it_is_taken_and_taken_once(settings: Path, store: Store) -> None:
    content = (settings.parent / "requests.csv").read_bytes() + b"bad,,,,,,,\n"
    looked = intake.look("requests.csv", content, "boston311", None)
    assert any("rejected" in line for line in looked.lines)
    assert len(looked.preview) == 8
    assert store.imports().empty
    assert intake.take(store, "requests.csv", content, looked) == "requests.csv: 64 rows, 63 kept"
    assert "taken before" in intake.take(store, "requests.csv", content, looked)
    [reason] = keeping.reasons(store)
    rows, ids = keeping.set_aside(store, reason)
    assert rows["Line"].tolist() == [64]
    assert keeping.release(store, ids, by="me") == "1 row marked as dealt with"
    assert not keeping.reasons(store)
    assert "1 file** taken, 63 rows kept" in keeping.headline(store, keeping.imports(store))


def test_columns_of_a_plain_table_are_guessed_and_may_be_corrected(settings: Path) -> None:
    lines = ["when;lat;lon"] + [f"2026-02-{k:02d} 08:00;42.34;-71.07" for k in range(1, 20)]
    looked = intake.look("mine.csv", "\n".join(lines).encode(), "plain", None)
    assert "[columns]" in looked.mapping
    assert "19 rows in" in looked.lines[0]
    again = intake.look("mine.csv", "\n".join(lines).encode(), "plain", looked.mapping.replace("when", "lat"))
    assert "0 kept" in again.lines[0]


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b\\c<script>.csv", "...."])
def test_a_name_never_leads_out_of_its_folder(name: str) -> None:
    with intake._on_disk(name, b"x") as path:
        assert path.read_bytes() == b"x"
        assert "/" not in path.name
        assert "<" not in path.name


def test_what_is_no_table_is_one_line(settings: Path) -> None:
    with pytest.raises(SourceError) as refused:
        intake.look("page.csv", b"<!doctype html><html><body>no</body></html>", "boston311", None)
    assert "\n" not in str(refused.value)


def test_a_backup_is_noted_and_holds_every_table(store: Store) -> None:
    document = keeping.backup(store, "me")
    assert document.roles == {"admin"}
    with zipfile.ZipFile(BytesIO(document.make())) as bundle:
        assert {"audit.jsonl", "quarantine.jsonl"} <= {*bundle.namelist()}
    assert store.audit()["what"].iloc[-1].startswith("backup to")


def test_the_page_says_what_to_do_with_an_empty_database(open_page: Callable[..., AppTest], city: Path) -> None:
    said = text_of(open_page("data", city))
    assert "0 files** taken" in said
    assert "choose a file" in said
    assert "None waits" in said


def test_accounts_get_roles_lose_sessions_and_every_change_is_noted(
    open_page: Callable[..., AppTest], city: Path
) -> None:
    page = open_page("accounts", city)
    assert "Nobody has an account yet" in text_of(page)
    page.text_input(key="account_id").input("Lee@Example.org")
    page.multiselect(key="account_roles").set_value(["lead"])
    page = press(page, "Save")
    assert table(page, "Account", "Roles")["Roles"].tolist() == ["lead"]
    assert table(page, "What", "Who")["What"].iloc[0] == "roles of lee@example.org: lead"
    with Store.open(city.parent / "store.sqlite") as kept:
        now = access.now()
        kept.sessions.start("key", "lee@example.org", at=now, ends_at=now + pd.Timedelta(hours=1))
        page.text_input(key="account_id").input("lee@example.org")
        page = press(page, "Sign out everywhere")
        assert kept.sessions.account("key", at=now, idle=pd.Timedelta(hours=2)) is None
    assert "1 session of lee" in text_of(page) or "1 session of lee" in str([each.value for each in page.success])
    page.text_input(key="account_id").input("this computer")
    page = press(page, "Save")
    assert "lock yourself out" in text_of(page)
