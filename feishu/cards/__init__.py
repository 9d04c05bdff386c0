"""Card JSON 2.0, and foreign text made safe to stand in it. Pure."""
