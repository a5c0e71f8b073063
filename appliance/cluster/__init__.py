"""The cluster engine, which decides which node is active.

`engine` declares what the agent needs of any engine; each engine has a folder of its own.
"""
