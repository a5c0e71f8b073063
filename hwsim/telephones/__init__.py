"""SIP telephones and the far end of a trunk, on the LAN outside of the pair, as a real Asterisk meets them."""

from hwsim.telephones.event import Event
from hwsim.telephones.house import Telephones

__all__ = ["Event", "Telephones"]
