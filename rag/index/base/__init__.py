"""What all stores share: the protocols of an index's parts, its manifest, and where chance begins in it."""
