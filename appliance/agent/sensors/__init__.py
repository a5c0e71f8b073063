"""The agent's senses. Each watches one part of the world and writes what it sees on the board."""
