"""``python -m analytics``: settings from KAM_* variables."""

from analytics.bootstrap import build
from analytics.settings import Settings
from servicekit.service import serve
from servicekit.settings import read_settings

if __name__ == "__main__":
    serve(build(read_settings(Settings)))
