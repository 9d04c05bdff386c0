"""The index: opened, searched and changed in the same way whichever store holds it."""
