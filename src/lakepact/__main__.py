"""`python -m lakepact`: the same as the command `lakepact`."""

import sys

from lakepact.cli.main import main

sys.exit(main())
