"""The cluster address: is it here, does somebody else have it, tell the network where it is."""
