"""A stand-in for Asterisk: a process, a console, AMI and SIP, as far as they can be seen from outside."""

from hwsim.asterisk.install import install, program_text

__all__ = ["install", "program_text"]
