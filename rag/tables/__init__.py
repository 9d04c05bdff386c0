"""Questions about whole tables, answered by code: which rows are meant, what they count or add up to."""
