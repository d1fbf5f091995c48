"""Accounts: who may see what, who is signed in, and who did what; for who keeps the accounts."""

from __future__ import annotations

import streamlit as st

from sweepplan.app import access, keeping
from sweepplan.app.options import Options, opened_store
from sweepplan.app.words import plain, sentence
from sweepplan.errors import SettingsError, SweepplanError
from sweepplan.maps.words import counted
from sweepplan.privacy import roles_markdown
from sweepplan.store import ROLES, Store

_DONE = "accounts_done"


def page() -> None:
    """Show accounts with their roles, change them, end sessions, read the audit."""
    options = Options.given()
    store = opened_store(options.store)
    table = keeping.accounts(store)
    st.subheader("Accounts", anchor=False)
    if not options.team:
        st.caption("This app is for whoever sits at this computer: accounts count once it is started with --team.")
    kind, said = st.session_state.pop(_DONE, ("", ""))
    if said:
        (st.error if kind == "error" else st.success)(said)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        st.markdown(f"**{counted(len(table), 'account')}**")
        if table.empty:
            st.info("Nobody has an account yet: give an e-mail and a role.")
        else:
            st.dataframe(table, hide_index=True)
    with right:
        _change(store)
    with st.expander("What each role sees"):
        st.markdown(roles_markdown())
    st.markdown("**Audit**: who saw or changed what, newest first; rows are only ever added")
    st.dataframe(keeping.audit(store), hide_index=True)


def _change(store: Store) -> None:
    with st.form("account", clear_on_submit=True):
        st.text_input("E-mail of the account", key="account_id", help="As the sign-in says it; case does not matter")
        st.text_input("Name", key="account_name", help="As lists and the audit show it; empty: the e-mail")
        st.multiselect("Roles", ROLES, key="account_roles", help="These in place of all before; none: sees nothing")
        said = "The account gets these roles, at once and on every page it has open"
        st.form_submit_button("Save", type="primary", on_click=_save, args=(store,), help=said)
        said = "Ends every session of this account; its roles stay"
        st.form_submit_button("Sign out everywhere", on_click=_revoke, args=(store,), help=said)


def _save(store: Store) -> None:
    kept = st.session_state
    account, roles = kept["account_id"].strip().lower(), list(kept["account_roles"])
    name, at = kept["account_name"].strip() or account, access.now()
    try:
        by = access.acting(access.ADMIN).account_id
        if not account:
            raise SettingsError("give the e-mail of the account")
        if account == by and "admin" not in roles:
            raise SettingsError("you would lock yourself out: keep the role admin, or let another admin take it")
        store.put_account(account, name, roles, at=at)
        store.note(by, f"roles of {account}: {', '.join(roles) or 'none'}", at=at)
    except SweepplanError as error:
        kept[_DONE] = ("error", sentence(plain(error)))
    else:
        kept[_DONE] = ("done", f"{plain(account)}: {', '.join(roles) or 'no role'}")


def _revoke(store: Store) -> None:
    account, at = st.session_state["account_id"].strip().lower(), access.now()
    try:
        by = access.acting(access.ADMIN).account_id
        n = store.sessions.revoke_account(account, at=at)
        store.note(by, f"signed out {account}", at=at, rows=n)
    except SweepplanError as error:
        st.session_state[_DONE] = ("error", sentence(plain(error)))
    else:
        st.session_state[_DONE] = ("done", f"{counted(n, 'session')} of {plain(account)} ended")
