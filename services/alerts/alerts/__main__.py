"""``python -m alerts``: settings from KAM_* variables."""

from alerts.bootstrap import build
from alerts.settings import Settings
from servicekit.service import serve
from servicekit.settings import read_settings

if __name__ == "__main__":
    serve(build(read_settings(Settings)))
