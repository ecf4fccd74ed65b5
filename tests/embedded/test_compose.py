"""docker-compose.yml and infra/: accepted by the real docker-compose, no default secrets, same names as embedded."""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY
from pydantic.fields import FieldInfo

from kam.instance import SERVICES

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = Path(sys.prefix) / "bin" / "docker-compose"
_PYTHON = ["python", "-m"]
# by Prometheus: the target's name, and the bound of a bucket
_ADDED = ("service", "le")
#: settings that go together: none of them is of use without the others
OUTSIDE = ("KAM_SMTP", "KAM_NOTICE_", "KAM_OIDC_", "KAM_SMSC", "KAM_SMS_HTTP", "KAM_PUBLIC_URL")
#: of the embedded demo alone; of several workers alone
EMBEDDED = {"KAM_DEMO_ACCOUNTS", "KAM_ORDINALS"}
#: the agent of rates is asked, and asks nobody
NOT_HERE = {"analytics-rates": {*EMBEDDED, "KAM_RATES_URL"}}
EXAMPLE = ROOT / "infra" / "compose.env.example"


def configured(env_file: Path) -> subprocess.CompletedProcess[str]:
    command = [str(COMPOSE), "--env-file", str(env_file), "config", "--format", "json"]
    env = {key: value for key, value in os.environ.items() if not key.startswith("KAM_")}
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture(scope="module")
def compose(tmp_path_factory: pytest.TempPathFactory) -> Any:
    filled = tmp_path_factory.mktemp("compose") / "compose.env"
    filled.write_text(re.sub(r"=$", "=value", EXAMPLE.read_text(), flags=re.MULTILINE))
    done = configured(filled)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_no_secret_has_a_default_and_nobody_forgets_whom_sms_reach() -> None:
    done = configured(EXAMPLE)
    assert done.returncode != 0
    for name in ("KAM_ENVIRONMENT", "KAM_SMSC_PASSWORD", "GRAFANA_ADMIN_PASSWORD"):
        assert f"{name} is missing a value" in done.stderr


def test_every_service_is_there_from_one_image(compose: Any) -> None:
    services = compose["services"]
    assert set(SERVICES) | {"analytics-rates", "kafka", "topics", "mongodb", "prometheus", "grafana"} == set(services)
    for name in SERVICES:
        assert services[name]["image"] == "kam:local"
        assert services[name]["command"] == ["python", "-m", name.replace("-", "_")]
        assert services[name]["environment"]["KAM_SERVICE_DATA"] == f"/data/services/{name}"
        assert set(json.loads(services[name]["environment"]["KAM_PEERS"])) == set(SERVICES)


def _read(service: str) -> dict[str, FieldInfo]:
    """What this process reads, by the name of its environment variable."""
    module = importlib.import_module(f"{service.removesuffix('-rates').replace('-', '_')}.settings")
    return {f"KAM_{name.upper()}": field for name, field in module.Settings.model_fields.items()}


def _given(compose: Any, service: str) -> dict[str, str]:
    environment = compose["services"][service]["environment"]
    return {name: value for name, value in environment.items() if name.startswith("KAM_")}


@pytest.mark.parametrize("service", [*SERVICES, "analytics-rates"])
def test_every_setting_without_a_use_of_its_own_is_passed_on(compose: Any, service: str) -> None:
    """Tunables have defaults that are good; what names something outside has none, nor has what goes with it."""
    given = _given(compose, service)
    for name, field in _read(service).items():
        empty = field.is_required() or field.default in (None, "")
        if (empty or name.startswith(OUTSIDE)) and name not in NOT_HERE.get(service, EMBEDDED):
            assert name in given, f"{service} reads {name}"


@pytest.mark.parametrize("service", SERVICES)
def test_nothing_is_passed_on_that_nobody_reads(compose: Any, service: str) -> None:
    """What all are given somebody reads; what one alone is given that one reads."""
    shared = set.intersection(*(set(_given(compose, name)) for name in SERVICES))
    anybody = {name for one in SERVICES for name in _read(one)}
    assert shared <= anybody
    assert set(_given(compose, service)) - shared <= set(_read(service))


def test_secrets_come_as_files_and_what_nobody_filled_in_is_off(tmp_path: Path) -> None:
    filled, lines = tmp_path / "compose.env", EXAMPLE.read_text().partition("----")
    filled.write_text(re.sub(r"=$", "=value", lines[0], flags=re.MULTILINE) + "# " + lines[2])
    done = configured(filled)
    assert done.returncode == 0, done.stderr
    bare = _given(json.loads(done.stdout), "gateway")
    names = [name for name in bare if name.startswith(OUTSIDE)]
    off = [name for name in names if name not in ("KAM_SMTP_TLS", "KAM_OIDC_SCOPE")]
    assert off and not any(bare[name] for name in off)
    assert bare["KAM_SMTP_TLS"] == "starttls"
    alerts = _given(json.loads(done.stdout), "alerts")
    assert not any(value for name, value in alerts.items() if name.startswith("KAM_SMS_HTTP"))
    with filled.open("a") as file:
        file.write("KAM_SMTP_PASSWORD=hunter2\nKAM_OIDC_SECRET=hunter3\n")
        file.write("KAM_SMS_HTTP_SECRET=hunter4\nKAM_SMS_HTTP_CALLBACK_SECRET=hunter5\n")
    compose = json.loads(configured(filled).stdout)
    for service, names in (
        ("gateway", ("KAM_SMTP_PASSWORD_FILE", "KAM_OIDC_SECRET_FILE")),
        ("alerts", ("KAM_SMS_HTTP_SECRET_FILE", "KAM_SMS_HTTP_CALLBACK_SECRET_FILE")),
    ):
        given, mounted = _given(compose, service), compose["services"][service]["secrets"]
        assert {"hunter2", "hunter3", "hunter4", "hunter5"}.isdisjoint(given.values())
        for name in names:
            assert given[name].removeprefix("/run/secrets/") in {one["source"] for one in mounted}


def test_only_loopback_is_published_and_images_are_pinned(compose: Any) -> None:
    for name, service in compose["services"].items():
        assert re.search(r":[\w.]+$", service["image"]), name
        assert not service["image"].endswith(":latest")
        assert all(port["host_ip"] == "127.0.0.1" for port in service.get("ports", []))


def test_prometheus_scrapes_every_process_that_exports_metrics(compose: Any) -> None:
    config = yaml.safe_load((ROOT / "infra/prometheus.yml").read_text())
    (targets,) = (group["targets"] for group in config["scrape_configs"][0]["static_configs"])
    ours = {n for n, s in compose["services"].items() if s["image"] == "kam:local" and s["command"][:2] == _PYTHON}
    assert ours >= {*SERVICES, "analytics-rates"}
    assert set(targets) == {f"{name}:8000" for name in ours if name != "topics"}


def test_the_dashboard_asks_for_metrics_and_labels_that_are_exported() -> None:
    for module in ("billing_sync.metrics", "alerts.bootstrap", "analytics.bootstrap", "servicekit.service"):
        importlib.import_module(module)
    exported = {}
    for collector in list(REGISTRY._collector_to_names):
        for name in REGISTRY._collector_to_names[collector]:
            exported[name] = {*getattr(collector, "_labelnames", ()), *_ADDED}
    for path in (ROOT / "infra/grafana/dashboards").glob("*.json"):
        for panel in json.loads(path.read_text())["panels"]:
            for query in (target["expr"] for target in panel["targets"]):
                grouped = re.findall(r"by \((.*?)\)", query)
                metrics = re.findall(r"\b[a-z]+_\w+", re.sub(r"by \(.*?\)|histogram_quantile", "", query))
                assert metrics, (path.name, panel["title"], query)
                for metric in metrics:
                    assert metric in exported, (path.name, panel["title"], metric)
                    wanted = {label.strip() for labels in grouped for label in labels.split(",")}
                    assert wanted <= exported[metric], (path.name, panel["title"], metric, wanted)
