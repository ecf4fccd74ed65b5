"""Outside production only numbers that the policy allows get SMS."""

from pathlib import Path

import pytest
from msgspec.structs import replace
from pydantic import ValidationError

from alerts.notifications.handwritten import WRITE, Write
from alerts.notifications.send_policy import SendPolicy
from alerts.settings import Settings
from harness.notifications_feed import BOOK, PHONE, Story
from servicekit.decision import Refused


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


def settings(folder: Path, **more: object) -> Settings:
    return Settings(service_data=folder, kafka="nowhere:1", **more)  # type: ignore[arg-type]


def test_production_must_be_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KAM_ENVIRONMENT", raising=False)
    assert settings(tmp_path).is_guarded
    assert not settings(tmp_path, environment="production").is_guarded
    assert not settings(tmp_path, environment="demo").is_guarded


def test_a_demo_sends_to_this_machine_only(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="this machine only"):
        settings(tmp_path, environment="demo", smsc="10.0.0.1:2775")
    assert settings(tmp_path, environment="test", smsc="10.0.0.1:2775").is_guarded
