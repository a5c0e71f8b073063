"""What is shown: the agent asked for it, and its answers made into values to draw and to print."""
