"""Asterisk on the rack's nodes: a stand-in (a process with console, AMI and SIP), or a real one (real.py)."""

from hwsim.asterisk.install import install, program_text

__all__ = ["install", "program_text"]
