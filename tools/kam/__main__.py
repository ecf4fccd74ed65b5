"""``python -m kam`` is the command ``kam``."""

from kam.cli import main

if __name__ == "__main__":
    main()
