"""What teams keep on Feishu, as it can be read: listings, documents, sheets, bitables, files, and how they change."""
