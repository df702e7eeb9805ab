"""``python3 -m oncall``: the command line, see ``oncall.cli``."""

import sys

from oncall.cli import main

if __name__ == "__main__":
    sys.exit(main())
