"""The cluster address: whether it is on this node or elsewhere, and announcing it to the network."""
