"""`python -m bot.cli`."""

from bot.cli.commands import main

main()
