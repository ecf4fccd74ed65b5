"""``python -m manager_work``: settings from KAM_* variables."""

from manager_work.bootstrap import build
from manager_work.settings import Settings
from servicekit.service import serve
from servicekit.settings import read_settings

if __name__ == "__main__":
    serve(build(read_settings(Settings)))
