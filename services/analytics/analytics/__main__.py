"""``python -m analytics``: settings from KAM_* variables."""

from analytics.bootstrap import build
from analytics.settings import Settings
from servicekit.service import serve

if __name__ == "__main__":
    serve(build(Settings()))
