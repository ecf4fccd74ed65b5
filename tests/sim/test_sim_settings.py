"""Settings of the simulators that make no sense end them with one line that says which and how."""

import os
from pathlib import Path
from typing import Any

import pytest

from kam.sim.settings import BossEnvironment, SmscEnvironment, SmsHttpEnvironment
from servicekit.settings import read_settings


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("KAM_")]:
        monkeypatch.delenv(name)
    good = {
        "HTTP_PORT": "1", "SMSC": "127.0.0.1:2", "SMSC_LOG": str(tmp_path / "log"), "KAFKA": "127.0.0.1:3",
        "SERVICE_DATA": str(tmp_path), "BOSS_DIR": str(tmp_path), "SECRET_FILE": str(tmp_path / "secret"),
        "PEERS": '{"billing-sync": "http://127.0.0.1:4"}', "SMS_HTTP_ACCOUNT": "kam",
        "SMS_HTTP_SECRET_FILE": str(tmp_path / "a"), "SMS_HTTP_CALLBACK_SECRET_FILE": str(tmp_path / "b"),
        "SMS_HTTP_CALLBACK_URL": "http://127.0.0.1:5/", "SMS_HTTP_LOG": str(tmp_path / "log"),
    }  # fmt: skip
    for name, value in good.items():
        monkeypatch.setenv(f"KAM_{name}", value)


def test_good_ones_are_taken() -> None:
    assert read_settings(BossEnvironment).sim_customers == 5000
    assert read_settings(SmscEnvironment).sim_seed == 1
    assert read_settings(SmsHttpEnvironment).sms_http_account == "kam"


@pytest.mark.parametrize(
    ("settings", "name", "value"),
    [
        (BossEnvironment, "KAM_SIM_RATE", "nan"),
        (BossEnvironment, "KAM_SIM_RATE", "0"),
        (BossEnvironment, "KAM_SIM_CUSTOMERS", "many"),
        (BossEnvironment, "KAM_SIM_SEED", "-1"),
        (BossEnvironment, "KAM_HTTP_PORT", "70000"),
        (BossEnvironment, "KAM_PEERS", "[]"),
        (BossEnvironment, "KAM_PEERS", "{}"),
        (BossEnvironment, "KAM_BOSS_DIR", __file__),
        (SmscEnvironment, "KAM_SMSC", "smsc"),
        (SmscEnvironment, "KAM_HTTP_PORT", ""),
        (SmsHttpEnvironment, "KAM_SMS_HTTP_CALLBACK_URL", "nowhere"),
        (SmsHttpEnvironment, "KAM_SMS_HTTP_ACCOUNT", ""),
    ],
)
def test_one_that_makes_no_sense(settings: Any, name: str, value: str, monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        read_settings(settings)
    (line,) = capsys.readouterr().err.splitlines()
    assert ended.value.code == 2 and name in line and "settings are wrong" in line
