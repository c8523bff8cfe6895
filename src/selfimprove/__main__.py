"""`python -m selfimprove`: the same as the command."""

from selfimprove.cli.app import main

main()
