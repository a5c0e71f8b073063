"""Asterisk's conf files for the telephones and the trunk, by either of its SIP drivers: PJSIP and chan_sip."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from hwsim.telephones.house import TRUNK_AT
from hwsim.telephones.program import FIRST_NUMBER, TRUNK_PORT
from hwsim.telephones.sip import EXPIRY

# Lamps show hints. A message is left by calling the number with an asterisk before it.
_EXTENSIONS = """[phones]
exten => _1XXX,1,Dial(TECH/${EXTEN},30)
exten => _00X.,1,Dial(TO_TRUNK,30)
HINTS
[from-trunk]
exten => _1XXX,1,Dial(TECH/${EXTEN},30)
exten => _*1XXX,1,VoiceMail(${EXTEN:1}@default,s)
exten => _X.,1,Answer()
 same => n,Wait(30)
"""
_PJSIP = f"""[udp]
type=transport
protocol=udp
bind=BIND:5060
[phone](!)
type=endpoint
context=phones
disallow=all
allow=ulaw
direct_media=no
[key](!)
type=auth
auth_type=userpass
[place](!)
type=aor
max_contacts=1
remove_existing=yes
default_expiration={EXPIRY}
[trunk]
type=endpoint
context=from-trunk
disallow=all
allow=ulaw
direct_media=no
aors=trunk
[trunk]
type=aor
contact=sip:{TRUNK_AT}:{TRUNK_PORT}
[trunk]
type=identify
endpoint=trunk
match={TRUNK_AT}
"""
_SIP = f"""[general]
udpbindaddr=BIND:5060
context=nobody
disallow=all
allow=ulaw
directmedia=no
callcounter=yes
maxexpiry={EXPIRY}
defaultexpiry={EXPIRY}
[phone](!)
type=friend
host=dynamic
context=phones
[trunk]
type=peer
host={TRUNK_AT}
port={TRUNK_PORT}
insecure=port,invite
context=from-trunk
"""


@dataclass(frozen=True, slots=True)
class Driver:
    """One of Asterisk's SIP drivers: what its channels are called, its module, and where it keeps registrations.

    `contacts` is what the keys of the contacts in astdb begin with; a telephone's number follows.
    """

    tech: str
    module: str
    contacts: str
    to_trunk: str
    files: Callable[[Iterable[int], str], Mapping[str, str]]


def _pjsip(numbers: Iterable[int], bind: str) -> dict[str, str]:
    """Telephones with an even number are told of their mailbox unasked, by the endpoint; the others may subscribe."""
    each = (
        f"[{n}](phone)\nauth={n}\naors={n}\n"
        + ("" if n % 2 else f"mailboxes={n}@default\n")
        + f"[{n}](key)\nusername={n}\npassword=s{n}\n[{n}](place)\n"
        + (f"mailboxes={n}@default\n" if n % 2 else "")
        for n in numbers
    )
    return {"pjsip.conf": _PJSIP.replace("BIND", bind) + "".join(each)}


def _sip(numbers: Iterable[int], bind: str) -> dict[str, str]:
    each = (
        f"[{n}](phone)\nsecret=s{n}\nmailbox={n}@default\nsubscribemwi={'yes' if n % 2 else 'no'}\n"
        for n in numbers
    )
    return {"sip.conf": _SIP.replace("BIND", bind) + "".join(each), "pjsip.conf": ""}


PJSIP = Driver("PJSIP", "chan_pjsip", "/registrar/contact/", "PJSIP/${EXTEN:2}@trunk", _pjsip)
CHAN_SIP = Driver("SIP", "chan_sip", "/SIP/Registry/", "SIP/trunk/${EXTEN:2}", _sip)
DRIVERS = (PJSIP, CHAN_SIP)


def conf_files(driver: Driver, count: int, bind: str = "0.0.0.0") -> dict[str, str]:
    """Return the files of /etc/asterisk for `count` telephones. `bind`: the address at which Asterisk listens."""
    numbers = range(FIRST_NUMBER, FIRST_NUMBER + count)
    hints = "\n".join(f"exten => {n},hint,{driver.tech}/{n}" for n in numbers)
    extensions = _EXTENSIONS.replace("TO_TRUNK", driver.to_trunk).replace("TECH", driver.tech)
    mailboxes = "".join(f"{n} => {n},Telephone {n}\n" for n in numbers)
    return {
        "extensions.conf": extensions.replace("HINTS", hints),
        "voicemail.conf": f"[general]\nformat=wav\n[default]\n{mailboxes}",
        **driver.files(numbers, bind),
    }


def modules_left_out(driver: Driver) -> tuple[str, ...]:
    """Return the modules of the other driver: Asterisk would open its port for the one that comes first."""
    return tuple(other.module for other in DRIVERS if other is not driver)
