"""`/admin`: its pages, and who may see them."""
