"""The sensors of the agent.

Each sensor watches one part of the world and writes what it sees on the board (world.py).
"""
