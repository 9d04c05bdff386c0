"""What the jobs of the inbox do: answers and all that happens to their cards."""
