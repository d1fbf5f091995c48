"""Data and Accounts: files looked at and taken, rows set aside, backup, roles, sessions, audit."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from sweepplan import demo
from sweepplan.app import access, handout, intake, keeping, starting
from sweepplan.app.access import Person
from sweepplan.errors import AccessError, SourceError
from sweepplan.pipeline import Settings
from sweepplan.store import FileRead, Store
from sweepplan.tables import INCIDENTS, QUARANTINE
from tests.app_pages import press, table, text_of

NONE_ASIDE = pd.DataFrame(columns=[*QUARANTINE])


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


def test_a_row_set_aside_is_mended_and_taken_or_says_why_not(settings: Path, store: Store) -> None:
    content = (settings.parent / "requests.csv").read_bytes() + b"bad,,,,,,,\n"
    intake.take(store, "requests.csv", content, intake.look("requests.csv", content, "boston311", None))
    [reason] = keeping.reasons(store)
    [row] = keeping.set_aside(store, reason)[1]
    lat, lon = (float(text) for text in content.splitlines()[1].split(b",")[-2:])
    with pytest.raises(SourceError, match="cannot be used so either"):
        intake.mend(store, row, kind="needle", when="soon", lat=lat, lon=lon)
    assert keeping.reasons(store)
    assert len(store.imports()) == 1
    assert "mended and taken" in intake.mend(store, row, kind="needle", when="2026-03-01 08:30", lat=lat, lon=lon)
    assert not keeping.reasons(store)
    assert store.imports()["kept"].tolist() == [63, 1]
    assert any("dealt with" in what or "release" in what for what in store.audit()["what"])


def test_feeds_say_when_they_ran_and_when_they_are_expected(store: Store) -> None:
    now = access.now()
    for k, age_d in enumerate((9, 8, 7)):
        read = FileRead("plain", f"{k}.csv", f"{k}", rows_in=0, kept=0)
        store.import_table(INCIDENTS.empty("EPSG:32619"), NONE_ASIDE, read, at=now - pd.Timedelta(days=age_d), by="me")
    [feed] = keeping.feeds(store).to_dict("records")
    assert (feed["Feed"], feed["Usually every"], feed[""]) == ("plain", "24 hours", "late")
    assert keeping.feeds(store)["Next expected"].str.endswith("UTC").all()


def test_columns_are_shown_as_they_are_read() -> None:
    looked = intake.Looked("plain", '[columns]\ntime = "when"\nlat = "y"\n', (), pd.DataFrame())
    assert intake.columns(looked).to_numpy().tolist() == [["when", "time"], ["y", "lat"]]
    with pytest.raises(SourceError, match="not TOML"):
        intake.columns(intake.Looked("plain", "[columns", (), pd.DataFrame()))


def test_a_file_that_cannot_be_read_is_named_without_a_folder(settings: Path) -> None:
    with pytest.raises(SourceError, match=r"^calls\.csv: no column"):
        intake.look("../calls.csv", b"when,where\n1,2\n", "boston311", None)


def test_three_steps_are_shown_until_something_is_taken(monkeypatch: pytest.MonkeyPatch, settings: Path) -> None:
    nothing, some = pd.DataFrame(), pd.DataFrame({"File": ["requests.csv"]})
    assert not starting.needed(Settings.load(settings), nothing)
    shipped = demo.folder() / "settings.toml"
    monkeypatch.setenv("SWEEPPLAN_SETTINGS", str(shipped))
    assert starting.needed(Settings.load(shipped), nothing)
    assert not starting.needed(Settings.load(shipped), some)


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


def test_what_is_pressed_after_a_role_was_taken_does_nothing(
    open_page: Callable[..., AppTest], city: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page("accounts", city)
    with Store.open(city.parent / "store.sqlite") as kept:
        now = access.now()
        kept.put_account("kim@example.org", "Kim", ["lead"], at=now)
        kept.sessions.start("kims", "kim@example.org", at=now, ends_at=now + pd.Timedelta(hours=1))
        monkeypatch.setattr(access, "on_page", lambda _: Person("kim@example.org", "Kim", frozenset({"lead"})))
        page.text_input(key="account_id").input("kim@example.org")
        page.multiselect(key="account_roles").set_value(["admin"])
        page = press(page, "Save")
        assert "no longer your role" in text_of(page)
        page.text_input(key="account_id").input("kim@example.org")
        page = press(page, "Sign out everywhere")
        assert "no longer your role" in text_of(page)
        assert kept.roles("kim@example.org") == {"lead"}
        assert kept.sessions.account("kims", at=now, idle=pd.Timedelta(hours=2)) == "kim@example.org"
    done: list[str] = []
    keeping.done(lambda: str(done.append("taken")))()
    assert not done
    monkeypatch.setattr(access, "on_page", lambda _: None)
    nothing: Any = None
    handout.publish(nothing, nothing)
    with pytest.raises(AccessError, match="session is over"):
        access.acting(access.LEAD)
