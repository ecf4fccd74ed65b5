"""How notices get out of the house: a real mail server, a real robot, and where nothing goes."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.notices import senders as module
from gateway.notices.destinations import check_address, check_webhook, masked
from gateway.notices.figures import Day, Group, Item
from gateway.notices.senders import Mail, Passing, Refusal, WeCom
from gateway.notices.senders import MailServer as Server
from gateway.notices.text import MOST_BYTES, Language, Text, digest, trial, urgent
from harness.mail import MailServer, Robot, mail_server, robot, said
from servicekit.decision import Refused

NOW = datetime(2026, 6, 30, 2, tzinfo=UTC)
TEXT = Text("大客户预警：紧急 1", ["一行", "https://kam.example/alerts/a1"])
WEBHOOK = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa"
HOSTS = ("qyapi.weixin.qq.com",)


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with mail_server() as made:
        yield made


@pytest.fixture
async def group() -> AsyncIterator[Robot]:
    async with robot() as made:
        yield made


def mail(server: MailServer, **more: object) -> Mail:
    return Mail(Server("127.0.0.1", server.port, "kam@corp.example", "none")._replace(**more), lambda: NOW)


# --- mail ------------------------------------------------------------------------------------------------------------


async def test_a_mail_arrives_as_it_was_written(server: MailServer) -> None:
    await mail(server)("li@corp.example", TEXT, "M1:urgent:1:mail")
    (message,) = server.got
    assert (message["To"], message["Subject"]) == ("li@corp.example", TEXT.subject)
    assert message["From"].addresses[0].addr_spec == "kam@corp.example" and server.to == ["li@corp.example"]
    assert message["Auto-Submitted"] == "auto-generated" and str(message.get_content()).splitlines() == list(TEXT.lines)


async def test_a_mail_whose_answer_was_lost_comes_again_under_the_same_name(server: MailServer) -> None:
    server.answers = [""]
    with pytest.raises(Passing, match="no_answer"):
        await mail(server)("li@corp.example", TEXT, "n1")
    await mail(server)("li@corp.example", TEXT, "n1")
    await mail(server)("li@corp.example", TEXT, "n2")
    first, again, other = (message["Message-ID"] for message in server.got)
    assert first == again != other


@pytest.mark.parametrize(
    ("answer", "kind", "reason"),
    [
        ("451 try later", Passing, "busy"),
        ("550 spam", Refusal, "mail_refused"),
    ],
)
async def test_what_the_server_says_is_passing_or_for_good(
    server: MailServer, answer: str, kind: type[Exception], reason: str
) -> None:
    server.answers = [answer]
    with pytest.raises(kind, match=reason):
        await mail(server)("li@corp.example", TEXT, "n1")


async def test_a_mail_to_nobody_is_refused_for_good(server: MailServer) -> None:
    server.refused = {"nobody@corp.example"}
    with pytest.raises(Refusal, match="address_refused"):
        await mail(server)("nobody@corp.example", TEXT, "n1")


async def test_a_server_that_does_not_do_as_we_were_told_is_the_operators(server: MailServer, tmp_path: Path) -> None:
    with pytest.raises(Passing):  # no TLS there: the mail does not go in the clear
        await mail(server, tls="starttls")("li@corp.example", TEXT, "n1")
    with pytest.raises(Passing):
        await mail(server, user="kam", password_file=tmp_path / "not there")("li@corp.example", TEXT, "n1")
    (tmp_path / "password").write_text("secret\n")
    with pytest.raises(Passing):  # nobody signs in there
        await mail(server, user="kam", password_file=tmp_path / "password")("li@corp.example", TEXT, "n1")
    assert not server.got


async def test_a_server_that_is_away_or_says_nothing_is_passing(
    server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SECONDS", 0.3)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(Passing, match="no_answer"):
            await mail(server, port=silent.getsockname()[1])("li@corp.example", TEXT, "n1")
    with pytest.raises(Passing, match="no_answer"):
        await mail(server, port=1)("li@corp.example", TEXT, "n1")
    with pytest.raises(Passing, match="no_answer"):
        await mail(server, host="nowhere.invalid")("li@corp.example", TEXT, "n1")


async def test_a_certificate_that_nobody_vouches_for_is_not_trusted(
    server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssl.SSLContext, "wrap_bio", _distrusted)
    with pytest.raises(Passing):
        await mail(server, tls="tls")("li@corp.example", TEXT, "n1")
    assert not server.got


def _distrusted(self: ssl.SSLContext, *_: object, **__: object) -> ssl.SSLObject:
    assert self.verify_mode is ssl.CERT_REQUIRED and self.check_hostname
    raise ssl.SSLCertVerificationError("self-signed")


# --- robots ----------------------------------------------------------------------------------------------------------


async def test_a_group_is_told_in_text(group: Robot) -> None:
    wecom = WeCom()
    await wecom(group.url, TEXT, "n1")
    await wecom.close()
    (got,) = group.got
    assert b'"msgtype":"text"' in got and TEXT.subject.encode() in got
    assert got.startswith(b"POST /cgi-bin/webhook/send?key=")


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (said(b'{"errcode":93000,"errmsg":"invalid webhook url"}'), Refusal),
        (said(b'{"errcode":40058}'), Refusal),
        (said(b'{"errcode":45009}'), Passing),
        (said(b'{"errcode":-1}'), Passing),
        (said(b"{}", b"404 Not Found"), Refusal),
        (said(b"", b"429 Too Many Requests"), Passing),
        (said(b"oops", b"502 Bad Gateway"), Passing),
        (said(b"", b"302 Found", b"location: http://127.0.0.1:1/\r\n"), Refusal),
        (said(b"<html>"), Passing),
        (said(b"[" * 5000), Passing),
        (said(b'{"errcode":"0"}'), Passing),
        (said(b'{"errcode":0,"errmsg":"' + b" " * 200_000), Passing),
        (b"", Passing),
        (b"HTTP/1.1 nonsense\r\n\r\n", Passing),
    ],
)
async def test_what_a_robot_says_is_passing_or_for_good(group: Robot, answer: bytes, kind: type[Exception]) -> None:
    group.answers = [answer]
    wecom = WeCom()
    with pytest.raises(kind) as raised:
        await wecom(group.url, TEXT, "n1")
    assert "key" not in str(raised.value) and len(group.got) == 1
    await wecom.close()


async def test_a_robot_that_never_answers_keeps_nobody(group: Robot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS", 0.2)
    monkeypatch.setattr(group, "answers", [b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n"])
    with pytest.raises(Passing, match="no_answer"):
        await asyncio.wait_for(WeCom()(group.url, TEXT, "n1"), 5)


# --- where nothing goes ----------------------------------------------------------------------------------------------


def test_a_webhook_of_the_list_is_taken_and_shown_masked() -> None:
    assert check_webhook(WEBHOOK, HOSTS) == WEBHOOK
    assert masked(WEBHOOK) == "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=****5aaa"


@pytest.mark.parametrize(
    "url",
    [
        WEBHOOK.replace("https", "http"),
        WEBHOOK.replace("qyapi.weixin.qq.com", "127.0.0.1"),
        WEBHOOK.replace("qyapi.weixin.qq.com", "169.254.169.254"),
        WEBHOOK.replace("qyapi.weixin.qq.com", "[::1]"),
        WEBHOOK.replace("qyapi.weixin.qq.com", "qyapi.weixin.qq.com.evil.example"),
        WEBHOOK.replace("qyapi.weixin.qq.com", "qyapi.weixin.qq.com@evil.example"),
        WEBHOOK.replace("qyapi.weixin.qq.com", "u:p@qyapi.weixin.qq.com"),
        WEBHOOK.replace("qyapi.weixin.qq.com", "qyapi.weixin.qq.com:8443"),
        WEBHOOK.replace("qyapi.weixin.qq.com", "qyapi.weixin.qq.com\\@evil.example"),
        WEBHOOK.replace("/send", "/../../x"),
        WEBHOOK + "&debug=1",
        WEBHOOK + "#x",
        WEBHOOK + "\r\nhost: evil",
        WEBHOOK.replace("key=", "key=%0d%0a"),
        WEBHOOK.partition("?")[0],
        "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=",
        "https://[",
        "file:///etc/passwd",
        "https://企业.example/cgi-bin/webhook/send?key=12345678",
        "",
    ],
)
def test_any_other_address_is_never_called(url: str) -> None:
    with pytest.raises(Refused) as refused:
        check_webhook(url, HOSTS)
    assert refused.value.status == 422


def test_without_a_list_there_are_no_robots() -> None:
    with pytest.raises(Refused):
        check_webhook(WEBHOOK, ())


BAD = ["", "li", "@x.com", "li@", "li@x", "a@b.com\nBcc: x@y.com", "a b@x.com", "<a@b.com>", "a@b.com,c@d.com"]
BAD += ["李@x.com", "a@[127.0.0.1]", "a@-x.com", "a..b@x.com", ".a@x.com", "a" * 65 + "@x.com"]


@pytest.mark.parametrize("address", BAD)
def test_what_is_no_mail_address_is_refused(address: str) -> None:
    with pytest.raises(Refused):
        check_address(address, ())


def test_mails_go_to_the_companys_domains_alone_where_it_names_some() -> None:
    assert check_address("li.q+kam@Corp.Example", ("corp.example",)) == "li.q+kam@Corp.Example"
    with pytest.raises(Refused):
        check_address("li@corp.example.org", ("corp.example",))


# --- words -----------------------------------------------------------------------------------------------------------

ITEMS = [Item(f"a{n}", "arrears", "critical", "final_notice", "2026-07-01T10:00:00+00:00") for n in range(3)]
LANGUAGES: tuple[Language, ...] = ("zh", "en")


def test_an_urgent_notice_says_what_until_when_and_where() -> None:
    made = urgent(ITEMS[:1], "zh", "https://kam.example", NOW)
    assert made.subject == "大客户预警：紧急 1"
    assert "紧急 · 欠费 · 最后通知 · 时限 2026-07-01 18:00" in made.lines
    assert "https://kam.example/alerts/a0" in made.lines
    assert (
        "All: https://kam.example/alerts?severity=critical&state=raised"
        in urgent(ITEMS, "en", "https://kam.example", NOW).lines
    )


def test_a_digest_says_how_many() -> None:
    day = Day([Group("arrears", "critical", 3, 1), Group("churn_warning", "major", 2, 0)], 1, 2, 4, None, 5, 0)
    made = digest(day, "en", "https://kam.example", NOW)
    assert made.subject == "Key accounts today: 5 open, 1 overdue, 2 due today"
    assert "urgent arrears 3 (new since yesterday 1)" in made.lines and "important churn warning 2" in made.lines
    assert "Overdue 1: https://kam.example/alerts?due=overdue" in made.lines
    assert "没有待办。" in digest(Day([], 0, 0, 0, None, 0, 0), "zh", "https://kam.example", NOW).lines


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("n", [1, 10, 2000])
def test_however_much_there_is_a_robot_takes_it(language: Language, n: int) -> None:
    items = [Item("x" * 120 + str(k), "k" * 40, "critical", "s" * 40, "2026-07-01T10:00:00+00:00") for k in range(n)]
    groups = [Group("k" * 40, "critical", 10**9, 10**9)] * n
    made = urgent(items, language, "https://kam.example", NOW)
    assert len(made.short.encode()) <= MOST_BYTES
    most = 10**9
    full = Day(groups, most, most, most, "2026-07-01T10:00:00+00:00", most, most)
    day = digest(full, language, "https://kam.example", NOW)
    assert len(day.short.encode()) <= MOST_BYTES
    assert len(trial(language, "https://kam.example", NOW).short.encode()) <= MOST_BYTES


HOSTILE = ["王小明 13901000123", "<@all>", "a\r\nBcc: x@y.com", "[x](http://evil.example)", "\u202e", "x" * 41, ""]


@pytest.mark.parametrize("code", HOSTILE)
async def test_what_is_no_code_has_no_place_in_a_message(server: MailServer, code: str) -> None:
    items = [Item("a1/../x?y#z\r\n王", code, code, code or None, None)]
    made = urgent([*items, ITEMS[0]], "zh", "https://kam.example", NOW)
    day = digest(Day([Group(code, code, 1, 1)], 0, 0, 1, None, 0, 0), "en", "https://kam.example", NOW)
    for text in (made, day):
        assert not code or code not in text.subject + text.body
        assert text.body.isprintable() or set(text.body) - {"\n"} == {c for c in text.body if c.isprintable()}
        await mail(server)("li@corp.example", text, "n1")
    assert "https://kam.example/alerts/a1%2F..%2Fx%3Fy%23z%0D%0A%E7%8E%8B" in made.lines
