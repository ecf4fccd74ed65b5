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

from kam.embedded.table import Options, common_env
from kam.instance import SERVICES

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = Path(sys.prefix) / "bin" / "docker-compose"
_PYTHON = ["python", "-m"]
# by Prometheus: the target's name, and the bound of a bucket
_ADDED = ("service", "le")
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


def test_no_secret_has_a_default() -> None:
    done = configured(EXAMPLE)
    assert done.returncode != 0
    for name in ("KAM_SMSC_PASSWORD", "GRAFANA_ADMIN_PASSWORD"):
        assert f"{name} is missing a value" in done.stderr


def test_every_service_is_there_from_one_image_with_the_names_of_the_embedded_instance(
    compose: Any, tmp_path: Path
) -> None:
    options = Options(data=tmp_path)
    options.place.create()
    known = {
        *common_env(options),
        "KAM_SERVICE",
        "KAM_SERVICE_DATA",
        "KAM_HTTP_PORT",
        "KAM_RATES_URL",
        "KAM_FIRST_PASSWORD",
    }
    services = compose["services"]
    assert set(SERVICES) | {"analytics-rates", "kafka", "topics", "mongodb", "prometheus", "grafana"} == set(services)
    for name in SERVICES:
        assert services[name]["image"] == "kam:local"
        assert services[name]["command"] == ["python", "-m", name.replace("-", "_")]
        assert services[name]["environment"]["KAM_SERVICE_DATA"] == f"/data/services/{name}"
        assert {key for key in services[name]["environment"] if key.startswith("KAM_")} <= known
        assert set(json.loads(services[name]["environment"]["KAM_PEERS"])) == set(SERVICES)


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
