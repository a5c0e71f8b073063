"""What the panel costs, and whether it holds anything up: asked as a browser asks, on the RPMs' own Python."""
