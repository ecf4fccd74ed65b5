"""A real identity provider (npm ``oidc-provider``, ``tests/oidc``) as a process of its own."""

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from kam.embedded.process import guarded
from kam.embedded.web import find_node

FOLDER = Path(__file__).parents[1] / "oidc"
CLIENT, SECRET = "kam-gateway", "s3cret+/%:"


class Running(NamedTuple):
    """One that runs, and what a gateway is told of it."""

    port: int
    settings: dict[str, Any]


@contextmanager
def identity_provider(
    home: str, secret_file: Path, port: int = 0, kid: str = "one", logout: str | None = None
) -> Iterator[Running]:
    """A provider that knows the gateway at ``home``; each start has another key, under the name ``kid``.
    ``logout``: where it tells the gateway that somebody has left."""
    node = find_node()
    assert node and (FOLDER / "node_modules").is_dir(), "make identity-provider"
    told = {"port": port, "home": home, "id": CLIENT, "secret": SECRET, "kid": kid, "logout": logout}
    process = subprocess.Popen(
        guarded([str(node.folder / "node"), "provider.mjs", json.dumps(told)]),
        cwd=FOLDER,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        secret_file.write_text(SECRET)
        issuer = f"http://127.0.0.1:{port}"
        yield Running(
            port,
            {
                "public_url": home,
                "oidc_issuer": issuer,
                "oidc_client_id": CLIENT,
                "oidc_secret_file": secret_file,
                "oidc_claim": "employee_number",
            },
        )
    finally:
        process.terminate()
        process.wait(10)


def sign_in_there(http: httpx.Client, address: str, name: str) -> str:
    """What a person does at the provider, who was led to ``address``; where their browser is led to in the end. Whoever
    is signed in there already is asked nothing."""
    answer = http.get(address)
    issuer = httpx.URL(address).copy_with(path="/", query=None)
    while True:
        if answer.has_redirect_location:
            place = issuer.join(answer.headers["location"])
            if place.netloc != issuer.netloc:
                return str(place)
            answer = http.get(place)
        else:
            form = re.search(r'<form[^>]* action="([^"]+)"', answer.text)
            assert answer.status_code == 200 and form, answer.text[:500]
            body = {"prompt": "login", "login": name, "password": "anything"}
            answer = http.post(issuer.join(form[1]), data=body)
