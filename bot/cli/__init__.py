"""`feishu-rag`, the command line."""

from bot.cli.commands import main as main
