"""Content of the pages: questions to the agent, and its answers turned into values to draw and to print."""
