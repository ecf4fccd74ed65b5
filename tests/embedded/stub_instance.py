"""An instance of stand-in processes: ``python stub_instance.py OPTIONS_JSON [DESCRIPTOR]``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from kam.embedded.process import ProcessSpec
from kam.embedded.progress import Pipe
from kam.embedded.run import Run
from kam.embedded.table import Node, Options

STUB = Path(__file__).with_name("stub_service.py")


def stub(name: str, offset: int, port_base: int, *needs: str, mode: str = "good", grace: float = 5.0) -> ProcessSpec:
    """The description of one stand-in."""
    return ProcessSpec(
        name=name,
        argv=(sys.executable, "-S", str(STUB), mode),
        ports={"http": offset},
        env={"KAM_HTTP_PORT": str(port_base + offset)},
        needs=needs,
        ready_path="/health/ready",
        grace=grace,
    )


def table(options: Options) -> list[Node]:
    base = options.port_base
    return [stub("store", 0, base), stub("service", 1, base, "store"), stub("other", 2, base, "store")]


if __name__ == "__main__":
    descriptor = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    os.set_inheritable(descriptor, False)
    raise SystemExit(Run(Options.from_json(sys.argv[1]), Pipe(descriptor), table).main())
