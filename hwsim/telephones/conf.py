"""Asterisk's conf files for the telephones and the trunk: PJSIP, and a dial plan."""

from __future__ import annotations

from hwsim.telephones.house import TRUNK_AT
from hwsim.telephones.program import EXPIRY, FIRST_NUMBER, TRUNK_PORT

EXTENSIONS = """[phones]
exten => _1XXX,1,Dial(PJSIP/${EXTEN},30)
exten => _00X.,1,Dial(PJSIP/${EXTEN:2}@trunk,30)
[from-trunk]
exten => _1XXX,1,Dial(PJSIP/${EXTEN},30)
exten => _X.,1,Answer()
 same => n,Wait(30)
"""
_TEMPLATES = f"""[udp]
type=transport
protocol=udp
bind=%s:5060
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


def pjsip_conf(count: int, bind: str = "0.0.0.0") -> str:
    """Return pjsip.conf for `count` telephones. `bind`: the address at which Asterisk listens."""
    numbers = range(FIRST_NUMBER, FIRST_NUMBER + count)
    each = (
        f"[{n}](phone)\nauth={n}\naors={n}\n[{n}](key)\nusername={n}\npassword=s{n}\n[{n}](place)\n"
        for n in numbers
    )
    return _TEMPLATES % bind + "".join(each)
