"""The cost of the panel, and whether it delays anything: asked as a browser asks, on the RPMs' own Python."""
