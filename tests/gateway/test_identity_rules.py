"""The rules of identity as tables: passwords, lock-out, whose request it is, staff numbers."""

import asyncio

import pytest
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from starlette.datastructures import Headers

from gateway.identity.lockout import Lockout, Rule, SignInLockout
from gateway.identity.own_request import check_line, check_origin
from gateway.identity.passwords import Passwords, check, hash_of_none
from gateway.identity.users import staff_no_of
from harness.people import QUICK
from servicekit.decision import Refused
from servicekit.problem import Problem
from servicekit.urls import is_loopback

RULE = Rule(free=3, first=30, longest=100, forgotten=1000)


@pytest.mark.parametrize(
    "password",
    [
        "", "short", "123456789", "1234567890", "0987654321", "9876543210", "12345678901234567890", "abcdefghijkl",
        "zyxwvutsrqponm", "aaaaaaaaaaaa", "abababababab", "PASSWORD123", "Qwertyuiop", "1qaz2wsx3edc", "yidong10086",
        "m0001m0001m0001", "M0001abcd", "M0001!M0001!", "x" * 257, "一二三四五六七八九",
    ],
)  # fmt: skip
def test_a_password_that_is_tried_first_is_none(password: str) -> None:
    with pytest.raises(Refused) as refused:
        check(password, "M0001")
    assert (refused.value.status, refused.value.field, refused.value.code) == (422, "new", "weak_password")


@pytest.mark.parametrize(
    "password",
    ["correct horse", "春眠不觉晓处处闻啼鸟", "xK9$mm2pQ!", "a b c d e f", "\x00\x01\x02 strange", "x1" * 5 + "yz"],
)
def test_any_other_is_good_whatever_it_is_made_of(password: str) -> None:
    check(password, "M0001")


async def test_a_hash_fits_its_password_alone() -> None:
    passwords = Passwords(QUICK)
    kept = await passwords.hash("e\u0301clair pâtisserie")
    assert await passwords.fits(kept, "\u00e9clair pâtisserie"), "however the keyboard puts an accent together"
    assert not await passwords.fits(kept, "eclair patisserie")
    assert not await passwords.fits(None, "nobody's") and not await passwords.fits("no hash", "x")
    assert passwords.is_outdated(kept) is False
    assert Passwords(PasswordHasher(time_cost=2, memory_cost=8, parallelism=1)).is_outdated(kept)
    assert await passwords.hash("x") != await passwords.hash("x")


def test_where_there_is_nobody_a_hash_of_the_same_cost_is_compared() -> None:
    assert not QUICK.check_needs_rehash(hash_of_none(QUICK))
    with pytest.raises(VerifyMismatchError):  # and not InvalidHashError, which takes no time
        QUICK.verify(hash_of_none(QUICK), "nobody's")


async def test_hashing_has_a_line_with_an_end() -> None:
    passwords = Passwords(PasswordHasher(time_cost=8, memory_cost=1024, parallelism=1))
    tried = await asyncio.gather(*(passwords.fits(None, "x") for _ in range(80)), return_exceptions=True)
    refused = [one for one in tried if isinstance(one, Refused)]
    assert len(refused) == 16 and refused[0].status == 503


def test_each_try_beyond_the_free_ones_waits_longer() -> None:
    lockout, now, waits = Lockout(RULE), 0.0, []
    for _ in range(7):
        lockout.tried("a", now)
        waits.append(lockout.wait("a", now))
        now += waits[-1]
    assert waits == [0, 0, 30, 60, 100, 100, 100]
    assert lockout.wait("b", now) == 0
    now += 1001
    lockout.tried("a", now)
    assert lockout.wait("a", now) == 0, "forgotten"


def test_a_right_one_clears_the_account_but_of_the_address_only_itself() -> None:
    both = SignInLockout(RULE, RULE)
    for name in ("a", "b"):
        both.begin(name, "office", 0)
    both.begin("me", "office", 0)
    both.right("me", "office")
    both.begin("c", "office", 0)
    with pytest.raises(Problem) as refused:
        both.begin("d", "office", 0)
    assert refused.value.status_code == 429 and (refused.value.headers or {})["Retry-After"] == "30"
    both.begin("a", "home", 0)
    both.begin("a", "home", 0)
    with pytest.raises(Problem):
        both.begin("a", "elsewhere", 0)
    both.free("a")
    both.begin("a", "elsewhere", 0)


def test_one_who_guesses_keeps_nobody_out_who_signed_in_from_that_address_before() -> None:
    """A whole office behind one address; its people still wait for their own account's tries."""
    both = SignInLockout(RULE, RULE)
    both.begin("me", "office", 0)
    both.right("me", "office")
    for n in range(3):
        both.begin(f"guess{n}", "office", 0)
    with pytest.raises(Problem):
        both.begin("guess3", "office", 0)
    for _ in range(3):
        both.begin("me", "office", 0)
    with pytest.raises(Problem):
        both.begin("me", "office", 0)
    with pytest.raises(Problem):
        both.begin("other", "office", 0)


def test_one_who_guesses_elsewhere_keeps_nobody_out_where_they_are_at_home() -> None:
    both = SignInLockout(RULE, RULE)
    both.begin("me", "office", 0)
    both.right("me", "office")
    for n in range(3):
        both.begin("me", f"far{n}", 0)
    both.begin("me", "office", 0)
    both.right("me", "office")
    with pytest.raises(Problem):
        both.begin("me", "far", 0)
    for _ in range(3):
        both.begin("me", "office", 0)
    with pytest.raises(Problem):
        both.begin("me", "office", 0)
    both.free("me")
    both.begin("me", "office", 0)
    both.begin("me", "far", 0)


def test_somebody_who_is_right_every_time_never_waits() -> None:
    both = SignInLockout(RULE, RULE)
    for now in range(100):
        both.begin(f"m{now}", "office", now)
        both.right(f"m{now}", "office")


def test_names_without_end_take_no_memory_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.identity.lockout._REMEMBERED", 10)
    lockout = Lockout(RULE)
    for n in range(1000):
        lockout.tried(f"n{n}", n)
    assert len(lockout._tries) == 10


@pytest.mark.parametrize(
    ("host", "is_here"),
    [
        ("localhost", True), ("localhost:22000", True), ("127.0.0.1:22000", True), ("127.9.9.9", True),
        ("[::1]:1", True),
        ("kam.localhost", True), ("LOCALHOST", True), ("", False), ("kam.example", False), ("10.0.0.1", False),
        ("localhost.evil.example", False), ("127.0.0.1.evil.example", False), ("[", False), ("]", False),
        ("[::1", False),
        ("\xff", False), ("localhost@evil.example", False), ("evil.example#localhost", False), ("a:b:c", False),
    ],
)  # fmt: skip
def test_this_very_machine_has_few_names(host: str, is_here: bool) -> None:
    assert is_loopback(host) is is_here


def test_the_line_decides_whether_a_cookie_needs_tls() -> None:
    assert check_line("https", {"host": "kam.example"}) is True
    assert check_line("http", {"host": "localhost:22000"}) is False
    with pytest.raises(Problem):
        check_line("http", {"host": "kam.example"})


@pytest.mark.parametrize(
    "headers",
    [
        {}, {"host": "kam.example"}, {"host": "Kam.Example", "origin": "https://kam.example"},
        {"host": "kam.example:8443", "origin": "https://kam.example:8443", "sec-fetch-site": "same-origin"},
        {"host": "[::1]:22000", "origin": "http://[::1]:22000"},
    ],
)  # fmt: skip
def test_our_own_page_is_known_behind_a_proxy_too(headers: dict[str, str]) -> None:
    check_origin(Headers(headers))


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("M0001", "M0001"), (" m0001\t", "M0001"), ("Ｍ０００１", "M0001"), ("10023", "10023"), ("a.b-c_d", "A.B-C_D"),
        ("", ""), ("-x", ""), ("a b", ""), ("王芳", ""), ("x" * 65, ""), ("a/b", ""), ("a@b", ""), ("a\x00", ""),
    ],
)  # fmt: skip
def test_a_staff_number_is_read_as_it_is_meant(typed: str, kept: str) -> None:
    assert staff_no_of(typed) == kept
