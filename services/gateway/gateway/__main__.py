"""``python -m gateway``: the service until SIGTERM."""

from gateway.bootstrap import build
from gateway.settings import Settings
from servicekit.service import serve
from servicekit.settings import read_settings

if __name__ == "__main__":
    serve(build(read_settings(Settings)))
