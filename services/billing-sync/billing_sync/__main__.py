"""``python -m billing_sync``: settings from KAM_* variables."""

from billing_sync.bootstrap import build
from billing_sync.settings import Settings
from servicekit.service import serve
from servicekit.settings import read_settings

if __name__ == "__main__":
    serve(build(read_settings(Settings)))
