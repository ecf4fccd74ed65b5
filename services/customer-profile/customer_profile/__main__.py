"""``python -m customer_profile``: settings from KAM_* variables."""

from customer_profile.bootstrap import build
from customer_profile.settings import Settings
from servicekit.service import serve
from servicekit.settings import read_settings

if __name__ == "__main__":
    serve(build(read_settings(Settings)))
