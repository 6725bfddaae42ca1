"""`python -m copilot` is the same as `copilot`."""

from copilot.cli import main

main()
