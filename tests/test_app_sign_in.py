"""A team signs in by an identity provider of this computer: who gets what, and what a copied cookie gets afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext

from sweepplan.app import access
from sweepplan.app.access import COOKIE
from sweepplan.store import Store
from tests.app_pages import free_port, served_app
from tests.oidc import SECRETS, provider


@pytest.mark.browser
def test_a_team_signs_in_and_a_copied_cookie_gets_nothing_after_the_logout(
    chromium: Browser, city: Path, tmp_path: Path
) -> None:
    port, store = free_port(), tmp_path / "team.sqlite"
    (tmp_path / ".streamlit").mkdir()
    with provider() as city_hall:
        app = f"http://127.0.0.1:{port}"
        (tmp_path / ".streamlit" / "secrets.toml").write_text(SECRETS.format(app=app, provider=city_hall.address))
        city_hall.who = {"sub": "7", "email": "Lead@example.org", "email_verified": True}
        options = ("--team", "--admin", "lead@example.org", "--store", str(store))
        with served_app(city, *options, cwd=tmp_path, port=port):
            _from_sign_in_to_logout(chromium.new_context(), app, store)


def _from_sign_in_to_logout(context: BrowserContext, app: str, store: Path) -> None:
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto(f"{app}/data")
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("link", name="Accounts").click()
    page.get_by_text("only ever added").wait_for()
    assert not page.get_by_role("link", name="Today").count()
    with Store.open(store) as opened:
        opened.put_account("lead@example.org", "Lead", ["lead", "admin"], at=access.now())
    page.get_by_role("link", name="Data").click()
    page.get_by_role("link", name="Today").wait_for()
    backup = page.get_by_role("link", name="Backup of everything (ZIP)").get_attribute("href")
    copied = [each for each in context.cookies() if each["name"].startswith(COOKIE)]
    assert all(each["httpOnly"] and each["sameSite"] == "Lax" for each in copied)
    assert context.request.get(f"{app}{backup}").status == 200
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="Sign in", exact=True).wait_for()
    assert context.request.get(f"{app}{backup}").status == 401
    more = {**copied[0], "name": f"{COOKIE}_7", "value": "more"}
    context.add_cookies([*copied, more])  # type: ignore[list-item]
    assert context.request.get(f"{app}{backup}").status == 401
    page.goto(f"{app}/data")
    page.get_by_text("Your session is over").wait_for()
    assert not page.get_by_role("link", name="Accounts").count()
    page.close()
