"""Hashes of identifiers: one for every spelling of a mailbox, none that a list of addresses can be tried against."""

from __future__ import annotations

import hashlib
import stat
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy import ErasureKey, PrivacyError, Tombstones, find_key, make_key

KEY = ErasureKey(b"a secret of thirty-two characters")
locals_ = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=12)
tags = st.text(string.ascii_lowercase + string.digits, max_size=6)
domains = st.sampled_from(["acme.com", "empresa.com.br", "gmail.com", "münchen.de"])


@given(locals_, domains, tags, st.booleans())
def test_every_spelling_of_a_mailbox_has_one_hash(local: str, domain: str, tag: str, is_upper: bool) -> None:
    plain = f"{local}@{domain}"
    spelled = f"{local}+{tag}@{domain}" if tag else plain
    spelled = f"  {spelled.upper() if is_upper else spelled} "
    assert KEY.email(spelled) == KEY.email(plain)


@given(locals_, locals_, domains)
def test_other_mailboxes_have_other_hashes(one: str, other: str, domain: str) -> None:
    assert (KEY.email(f"{one}@{domain}") == KEY.email(f"{other}@{domain}")) == (one == other)


def test_dots_count_except_at_gmail() -> None:
    assert KEY.email("ana.lima@gmail.com") == KEY.email("AnaLima@googlemail.com")
    assert KEY.email("ana.lima@acme.com") != KEY.email("analima@acme.com")


@given(locals_, domains)
def test_the_hash_cannot_be_made_without_the_key(local: str, domain: str) -> None:
    address = f"{local}@{domain}"
    made = KEY.email(address)
    assert made is not None
    assert made != ErasureKey(b"another secret of enough length").email(address)
    assert made not in {hashlib.sha256(address.encode()).hexdigest(), hashlib.md5(address.encode()).hexdigest()}
    assert "a secret" not in repr(KEY)


def test_scopes_keep_identifiers_apart() -> None:
    assert KEY.identifier("events.user_id", "1") != KEY.identifier("events.anonymous_id", "1")
    assert KEY.identifier("a", "b1") != KEY.identifier("ab", "1")


@given(st.text(max_size=40), st.text(max_size=40), st.sampled_from([" ", '"', ",", ";", "<", "\n"]))
def test_addresses_of_erased_people_leave_a_text_and_nothing_else(before: str, after: str, mark: str) -> None:
    tombstones = Tombstones(key=KEY, emails=frozenset({str(KEY.email("ana@acme.com"))}))
    before, after = before.replace("@", ""), after.replace("@", "")
    text = f"{before}{mark}Ana+x@ACME.com{mark}bia@acme.com{mark}{after}"
    cleaned = tombstones.clean_text(text)
    assert cleaned == f"{before}{mark}[erased]{mark}bia@acme.com{mark}{after}"
    assert tombstones.clean_text(cleaned) == cleaned


def test_without_tombstones_everything_passes() -> None:
    nobody = Tombstones()
    assert not nobody
    assert not nobody.has_email("ana@acme.com")
    assert nobody.clean_text("to ana@acme.com") == "to ana@acme.com"


def test_the_key_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    assert find_key(tmp_path) is None
    made = make_key(tmp_path)
    assert make_key(tmp_path).key_id == made.key_id == find_key(tmp_path).key_id  # type: ignore[union-attr]
    assert stat.S_IMODE((tmp_path / "erasure.key").stat().st_mode) == 0o600
    assert find_key(tmp_path, "from the environment").key_id != made.key_id  # type: ignore[union-attr]


def test_a_short_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PrivacyError, match="too short"):
        find_key(tmp_path, "short")
