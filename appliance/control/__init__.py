"""The local socket of the agent: the messages, the asking side, the answering side, and who may ask what."""
