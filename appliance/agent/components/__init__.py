"""The components: what the agent does besides watching and moving service.

Each component adds verbs, a part of the status document, and problems.
"""
