"""`python -m skyhaul`."""

from skyhaul.cli import main

main()
