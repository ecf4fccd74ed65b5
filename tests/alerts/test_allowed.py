"""Outside production only numbers that the policy allows get SMS."""

import asyncio
import os
from pathlib import Path

import pytest
from msgspec.structs import replace
from prometheus_client import REGISTRY
from pydantic import ValidationError

from alerts.notifications.composition import Watch
from alerts.notifications.handwritten import WRITE, Write
from alerts.notifications.send_policy import SendPolicy
from alerts.settings import Settings
from harness.notifications_feed import BOOK, PHONE, Story
from harness.waiting import eventually
from servicekit.decision import Refused
from servicekit.memory_store import MemoryDocuments, MemoryStore
from servicekit.settings import read_settings


def story(*allowed: str, guarded: bool = True) -> Story:
    policy = replace(BOOK.policy, allowed=allowed)
    return Story(send_policy=SendPolicy(policy, list(BOOK.templates.values()), guarded=guarded)).customer()


@pytest.mark.parametrize(
    ("allowed", "guarded", "state"),
    [
        ((), True, "opened suppressed not_allowed"),
        (("13900000002",), True, "opened suppressed not_allowed"),
        ((PHONE,), True, "opened queued"),
        (("+86 139 0000 0001",), True, "opened queued"),
        ((), False, "opened queued"),
    ],
)
def test_who_gets_it(allowed: tuple[str, ...], guarded: bool, state: str) -> None:
    s = story(*allowed, guarded=guarded)
    s.complains("2026-03-10")
    s.tick()
    assert s.states == [state]


def test_nobody_writes_by_hand_to_others_either() -> None:
    s = story()
    s.tick("2026-03-10T12:00")
    with pytest.raises(Refused) as refusal:
        s.command(WRITE, Write("c1", "您好", "m1", "k1"))
    assert refusal.value.code == "not_allowed"


def test_a_number_that_changes_before_the_intent_is_looked_at_again() -> None:
    s = story(PHONE)
    s.complains("2026-03-10")
    s.tick()
    s.customer("2026-03-10 11:00", phone="13900000002")
    assert s.send() == []
    assert s.states == ["opened suppressed not_allowed"]


@pytest.fixture
def unsaid(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Of the environment nothing is said."""
    for name in [name for name in os.environ if name.startswith("KAM_")]:
        monkeypatch.delenv(name)
    return monkeypatch


def settings(folder: Path, **more: object) -> Settings:
    return Settings(service_data=folder, kafka="nowhere:1", **more)  # type: ignore[arg-type]


def test_production_must_be_said(tmp_path: Path, unsaid: pytest.MonkeyPatch) -> None:
    assert settings(tmp_path).is_guarded
    assert not settings(tmp_path, environment="production").is_guarded
    assert not settings(tmp_path, environment="demo").is_guarded


def test_a_demo_sends_to_this_machine_only(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="stays on this machine only"):
        settings(tmp_path, environment="demo", smsc="10.0.0.1:2775")
    assert settings(tmp_path, environment="test", smsc="10.0.0.1:2775").is_guarded


@pytest.mark.parametrize("smsc", ["127.0.0.1:2775", "127.0.0.2:1", "localhost:2775", "LOCALHOST:1", "[::1]:2775"])
def test_on_this_machine_nothing_need_be_said(tmp_path: Path, unsaid: pytest.MonkeyPatch, smsc: str) -> None:
    assert settings(tmp_path, smsc=smsc).is_guarded


@pytest.mark.parametrize("smsc", ["smsc.operator.cn:2775", "10.0.0.1:2775", "[fd00::1]:2775", "127.0.0.1.nip.io:1"])
@pytest.mark.parametrize("said", [None, "", "prod", "Production"])
def test_no_process_starts_that_would_send_outside_without_saying_to_whom(
    tmp_path: Path, unsaid: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], smsc: str, said: str | None
) -> None:
    """It ran as a test, and suppressed every SMS of a province without a word."""
    for name, value in (("SERVICE_DATA", str(tmp_path)), ("KAFKA", "nowhere:1"), ("SMSC", smsc)):
        unsaid.setenv(f"KAM_{name}", value)
    if said is not None:
        unsaid.setenv("KAM_ENVIRONMENT", said)
    with pytest.raises(SystemExit) as ended:
        read_settings(Settings)
    (line,) = capsys.readouterr().err.splitlines()
    assert ended.value.code == 2 and "KAM_ENVIRONMENT" in line
    for words in ("production（短信", "test（只", "production (SMS go to customers)", "test (only to numbers"):
        assert words in line
    if not said:
        assert f"KAM_SMSC={smsc}" in line and "infra/compose.env" in line
    for told in ("production", "test"):
        unsaid.setenv("KAM_ENVIRONMENT", told)
        assert read_settings(Settings).environment == told


def test_a_second_channel_outside_must_be_said_too(tmp_path: Path, unsaid: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret").write_text("a-secret-of-some-length")
    there = {
        "sms_http": "https://sms.provider.cn/v1",
        "sms_http_account": "kam",
        "sms_http_secret_file": tmp_path / "secret",
        "sms_http_callback_secret_file": tmp_path / "secret",
    }
    with pytest.raises(ValidationError, match=r"KAM_SMS_HTTP=sms\.provider\.cn"):
        settings(tmp_path, **there)
    with pytest.raises(ValidationError, match="stays on this machine only"):
        settings(tmp_path, environment="demo", **there)
    assert not settings(tmp_path, environment="production", **there).is_guarded
    assert settings(tmp_path, **{**there, "sms_http": "http://127.0.0.1:9/v1"}).is_guarded


def test_a_dry_run_reaches_nobody(tmp_path: Path, unsaid: pytest.MonkeyPatch) -> None:
    assert settings(tmp_path, smsc="10.0.0.1:2775", sms_transport="file").is_guarded


async def test_what_was_kept_back_is_counted_for_operations() -> None:
    memory = MemoryStore()
    memory.documents["sms"] = {
        str(n): {"_id": str(n), "state": state, "reason": reason}
        for n, (state, reason) in enumerate(
            [("suppressed", "not_allowed")] * 3 + [("suppressed", "opted_out"), ("sent", None)]
        )
    }
    for guarded, told in ((True, 3), (False, None)):
        watch = Watch(MemoryDocuments(memory), 0.01, guarded=guarded)
        watching = asyncio.create_task(watch.run())
        await eventually(lambda: watch.loose_ends)  # noqa: B023
        watching.cancel()
        assert watch.loose_ends.get("sms_not_allowed") == told
    assert REGISTRY.get_sample_value("kam_sms_not_allowed") == 3
