"""How fast calls may start, and who goes first."""
