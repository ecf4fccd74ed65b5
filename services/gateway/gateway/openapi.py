"""The gateway's OpenAPI document on stdout: ``python -m gateway.openapi``. The page's types are generated from it."""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from gateway.bootstrap import build
from gateway.settings import Settings


def main() -> None:
    """Print the document; nothing is started, no service is asked."""
    with TemporaryDirectory() as folder:
        service = build(Settings(service_data=Path(folder), kafka="-", peers={}))
        json.dump(service.asgi().openapi(), sys.stdout, ensure_ascii=False, indent=1)


if __name__ == "__main__":
    main()
