"""A stand-in for Asterisk: a process, a console, AMI and SIP, as far as anybody outside can see."""

from hwsim.asterisk.install import install, program_text

__all__ = ["install", "program_text"]
