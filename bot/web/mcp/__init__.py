"""`/mcp`: the same documents for editors and agents, by the Model Context Protocol."""
