"""Calls to the platform: one client, with its token, budgets, attempts, and the meaning of every error code."""
