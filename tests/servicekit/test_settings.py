"""Settings that make no sense end a service at once, with one line that says which and how."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import alerts.settings
import analytics.settings
import billing_sync.settings
import customer_profile.settings
import gateway.settings
import manager_work.settings
from servicekit.settings import ServiceSettings, read_settings

CLASSES: dict[str, type[ServiceSettings]] = {
    "alerts": alerts.settings.Settings,
    "analytics": analytics.settings.Settings,
    "billing-sync": billing_sync.settings.Settings,
    "customer-profile": customer_profile.settings.Settings,
    "gateway": gateway.settings.Settings,
    "manager-work": manager_work.settings.Settings,
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """Settings that every service can start with, in folders that are not there yet."""
    for name in [name for name in os.environ if name.startswith("KAM_")]:
        monkeypatch.delenv(name)
    for name in ("SERVICE_DATA", "BOSS_DIR", "ARCHIVE_DIR"):
        monkeypatch.setenv(f"KAM_{name}", str(tmp_path / name))
    monkeypatch.setenv("KAM_KAFKA", "127.0.0.1:1,[::1]:2")
    monkeypatch.setenv("KAM_PEERS", '{"alerts": "http://127.0.0.1:1"}')
    return monkeypatch


def refused(service: str, capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that is said when these settings are read."""
    with pytest.raises(SystemExit) as ended:
        read_settings(CLASSES[service])
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "设置有误" in line and "settings are wrong" in line
    return line


@pytest.mark.parametrize("service", CLASSES)
def test_all_that_is_wrong_is_said_at_once(service: str, environment: Any, capsys: Any) -> None:
    assert read_settings(CLASSES[service]).owned() == [0, 1, 2, 3]
    for name, value in (("KAM_PARTITIONS", "0"), ("KAM_KAFKA", "nonsense"), ("KAM_HTTP_PORT", "x")):
        environment.setenv(name, value)
    environment.delenv("KAM_SERVICE_DATA")
    line = refused(service, capsys)
    for said in ("KAM_PARTITIONS='0'", "KAM_KAFKA='nonsense'", "KAM_HTTP_PORT='x'", "KAM_SERVICE_DATA is missing"):
        assert said in line


@pytest.mark.long
def test_a_process_ends_before_it_does_anything(environment: Any, tmp_path: Path) -> None:
    environment.setenv("KAM_CLOCK", "sundial")
    command = [sys.executable, "-m", "billing_sync"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, len(ended.stderr.splitlines())) == (2, 1)
    assert "KAM_CLOCK='sundial'" in ended.stderr and not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("service", "name", "value"),
    [
        ("billing-sync", "KAM_KAFKA", ""),
        ("billing-sync", "KAM_KAFKA", "a:1,,b:2"),
        ("billing-sync", "KAM_SERVICE_DATA", __file__),
        ("billing-sync", "KAM_BOSS_DIR", __file__),
        ("billing-sync", "KAM_CLOCK", "sundial"),
        ("billing-sync", "KAM_HTTP_PORT", "65536"),
        ("billing-sync", "KAM_ORDINALS", "one"),
        ("billing-sync", "KAM_ORDINALS", "3-9"),
        ("billing-sync", "KAM_ORDINALS", "3-1"),
        ("billing-sync", "KAM_ORDINALS", "0-99999999999"),
        ("billing-sync", "KAM_PARTITIONS", "1e9"),
        ("billing-sync", "KAM_BATCH_MAX", "-1"),
        ("billing-sync", "KAM_CHUNK_ROWS", "0"),
        ("billing-sync", "KAM_GRACE_SECONDS", "nan"),
        ("billing-sync", "KAM_BODY_BYTES", "5MB"),
        ("billing-sync", "KAM_LOG_FORMAT", "pretty"),
        ("alerts", "KAM_SMS_WINDOW", "0"),
        ("alerts", "KAM_SMSC", "smsc"),
        ("alerts", "KAM_SMS_TRANSPORT", "pigeon"),
        ("alerts", "KAM_SMS_HTTP", "http://provider.example.com"),
        ("alerts", "KAM_SMS_HTTP", "https://provider.example.com/?key=1"),
        ("alerts", "KAM_SMS_HTTP", "https://kam:hunter2@provider.example.com"),
        ("alerts", "KAM_SMS_HTTP", "https://provider.example.com"),  # and neither account nor secrets
        ("alerts", "KAM_SMS_HTTP_ACCOUNT", "帐号"),
        ("alerts", "KAM_SMS_HTTP_RATE", "0"),
        ("analytics", "KAM_ARCHIVE_SECONDS", "inf"),
        ("manager-work", "KAM_WORK_RULES", "/nowhere/work.yaml"),
        ("gateway", "KAM_PEERS", "{"),
        ("gateway", "KAM_PEERS", "[]"),
        ("gateway", "KAM_PEER_TIMEOUT", "-3"),
    ],
)
def test_a_setting_that_makes_no_sense(service: str, name: str, value: str, environment: Any, capsys: Any) -> None:
    environment.setenv(name, value)
    line = refused(service, capsys)
    assert name in line or name.removeprefix("KAM_").lower() in line


@pytest.mark.parametrize("service", CLASSES)
def test_an_empty_value_is_none(service: str, environment: Any) -> None:
    """As docker-compose passes on what nobody filled in."""
    default = read_settings(CLASSES[service])
    for name, field in CLASSES[service].model_fields.items():
        if not field.is_required() and f"KAM_{name.upper()}" not in os.environ:
            environment.setenv(f"KAM_{name.upper()}", "")
    assert read_settings(CLASSES[service]) == default


def test_a_second_channel_needs_its_secrets_and_no_dry_run(environment: Any, tmp_path: Path, capsys: Any) -> None:
    for name, value in (("SMS_HTTP", "https://provider.example.com"), ("SMS_HTTP_ACCOUNT", "kam")):
        environment.setenv(f"KAM_{name}", value)
    files = {name: tmp_path / name.lower() for name in ("SMS_HTTP_SECRET_FILE", "SMS_HTTP_CALLBACK_SECRET_FILE")}
    for name, file in files.items():
        assert f"KAM_{name}" in refused("alerts", capsys)
        environment.setenv(f"KAM_{name}", str(file))
        assert f"KAM_{name}" in refused("alerts", capsys)
        file.write_text("hunter2")
        line = refused("alerts", capsys)
        assert f"KAM_{name}" in line and "hunter2" not in line
        file.write_text("of sixteen or more characters".replace(" ", "-") + "\n")
    assert "KAM_ENVIRONMENT" in refused("alerts", capsys)
    environment.setenv("KAM_ENVIRONMENT", "production")
    read_settings(CLASSES["alerts"])
    environment.setenv("KAM_SMS_TRANSPORT", "file")
    assert "dry run" in refused("alerts", capsys)


def test_no_secret_is_repeated(environment: Any, capsys: Any) -> None:
    environment.setenv("KAM_MONGODB", "postgres://kam:hunter2@db/")
    line = refused("alerts", capsys)
    assert "KAM_MONGODB" in line and "hunter2" not in line
