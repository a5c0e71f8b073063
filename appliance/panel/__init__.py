"""Web page of a node: what is true now, and the buttons that are safe now.

The panel talks to the agent through the control socket only.
"""
