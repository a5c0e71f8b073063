"""What the agent does beside watching and moving: each room brings verbs, a part of the status, and problems."""
