"""The rooms: what the agent does besides watching and moving service.

Each room adds verbs, a part of the status document, and problems.
"""
