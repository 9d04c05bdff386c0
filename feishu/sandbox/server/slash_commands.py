"""application/v7 app_slash_commands: the `/` list that clients show (mcp_open_tools agent-supports-slash-commands)."""

from typing import Any

from feishu.sandbox.refusal import Refused, field_violation
from feishu.sandbox.rules.platform import Call, Platform

MOST_COMMANDS = 100


def list_commands(platform: Platform, call: Call) -> dict[str, Any]:
    """GET: all of them at once."""
    return {"data": {"items": list(_of(platform, call).values())}}


def create_command(platform: Platform, call: Call) -> dict[str, Any]:
    """POST {command without the slash, description}: names are unique within the app."""
    commands, name = _of(platform, call), call.text("command", most=100)
    if name.startswith("/"):
        raise field_violation("command is written without the slash")
    if any(each["command"] == name for each in commands.values()):
        raise Refused(40000000, "command already exists", "slash_command")
    if len(commands) >= MOST_COMMANDS:
        raise field_violation(f"more than {MOST_COMMANDS} commands")
    command_id = platform.world.new_id("7")
    made = {"command_id": command_id, "command": name, "description": _description(call)}
    commands[command_id] = made
    return {"data": made}


def update_command(platform: Platform, call: Call) -> dict[str, Any]:
    """PATCH /:command_id {description}; a name cannot change."""
    found = _of(platform, call).get(call.path["command_id"])
    if found is None:
        raise field_violation("command_id is unknown")
    found["description"] = _description(call)
    return {"data": found}


def delete_command(platform: Platform, call: Call) -> dict[str, Any]:
    """DELETE /:command_id."""
    if _of(platform, call).pop(call.path["command_id"], None) is None:
        raise field_violation("command_id is unknown")
    return {"data": {}}


def _of(platform: Platform, call: Call) -> dict[str, dict[str, Any]]:
    return platform.world.slash_commands.setdefault(call.app.app_id, {})


def _description(call: Call) -> dict[str, Any]:
    description = call.body.get("description")
    if not isinstance(description, dict) or not isinstance(description.get("default_value"), str):
        raise field_violation("description.default_value is required")
    return description
