"""As much of SIP (RFC 3261) as a telephone says and hears: requests, answers, digest authentication."""

from __future__ import annotations

import hashlib
import re
import secrets
import struct
from dataclasses import dataclass
from typing import NamedTuple

_PARAMETER = re.compile(r'(\w+)="?([^",]+)"?')
_SOUND_PORT = re.compile(r"^m=audio (\d+)", re.MULTILINE)
_TAG = re.compile(r";tag=([^;>\s]+)")
_BRANCH = "z9hG4bK"  # RFC 3261, 8.1.1.7
# Seconds: what Debian's Asterisk and most telephones agree on, when it is renewed, and after how many a request without
# an answer is made anew.
EXPIRY, REFRESH, RETRY = 120, 60.0, (1.0, 2.0)


class Party(NamedTuple):
    """Somebody who sends: the user's name, its password, its address and port, and the server it asks."""

    user: str
    password: str
    ip: str
    port: int
    server: str

    @property
    def own_uri(self) -> str:
        """Where it is reached."""
        return f"sip:{self.user}@{self.ip}:{self.port}"


@dataclass(frozen=True, slots=True)
class Request:
    """One request: `call` is its Call-ID, `to` and `uri` whom it asks, `tag` ours, `to_tag` the other side's."""

    method: str
    uri: str
    to: str
    call: str
    number: int
    tag: str
    to_tag: str = ""
    branch: str = ""
    headers: tuple[str, ...] = ()
    body: str = ""


class Message(NamedTuple):
    """A message that was heard: its first line, its header fields by their names in small letters, and its body."""

    first: str
    fields: dict[str, list[str]]
    body: str = ""

    @property
    def code(self) -> int:
        """The code of an answer; 0 for a request."""
        words = self.first.split()
        return int(words[1]) if words[:1] == ["SIP/2.0"] and words[1:2] and words[1].isdigit() else 0

    @property
    def method(self) -> str:
        """The method that is asked, or answered."""
        return self.first.split()[0] if not self.code else self.field("cseq").split()[-1]

    @property
    def number(self) -> int:
        """The number of the request that this is, or answers."""
        words = self.field("cseq").split()
        return int(words[0]) if words and words[0].isdigit() else 0

    @property
    def to_tag(self) -> str:
        """The tag that the side which answers has given itself; "" before it has."""
        found = _TAG.search(self.field("to"))
        return found[1] if found else ""

    def field(self, name: str) -> str:
        """Return the first value of a field; "" without one."""
        return next(iter(self.fields.get(name, ())), "")


def random_id() -> str:
    """Return a Call-ID, tag or branch that nobody else has."""
    return secrets.token_hex(8)


def parse(data: bytes) -> Message:
    """Return what was heard; bytes that are no SIP become a message whose fields are empty."""
    head, _, body = data.decode(errors="replace").partition("\r\n\r\n")
    first, *lines = head.split("\r\n")
    fields: dict[str, list[str]] = {}
    for line in lines:
        name, _, value = line.partition(":")
        fields.setdefault(name.strip().lower(), []).append(value.strip())
    return Message(first or "-", fields, body)


def spoken(party: Party, request: Request) -> bytes:
    """Return a request as it goes over the wire."""
    place = f"{party.ip}:{party.port}"
    to_tag = f";tag={request.to_tag}" if request.to_tag else ""
    lines = (
        f"{request.method} {request.uri} SIP/2.0",
        f"Via: SIP/2.0/UDP {place};branch={_BRANCH}{request.branch or random_id()};rport",
        "Max-Forwards: 70",
        f"From: <sip:{party.user}@{party.server}>;tag={request.tag}",
        f"To: <{request.to}>{to_tag}",
        f"Call-ID: {request.call}",
        f"CSeq: {request.number} {request.method}",
        f"Contact: <{party.own_uri}>",
        *request.headers,
        *(("Content-Type: application/sdp",) if request.body else ()),
        f"Content-Length: {len(request.body)}",
    )
    return ("\r\n".join(lines) + "\r\n\r\n" + request.body).encode()


def answered(party: Party, asked: Message, body: str = "", says: str = "200 OK") -> bytes:
    """Return the answer to a request."""
    to = asked.field("to")
    tagged = to if _TAG.search(to) else f"{to};tag={_md5(asked.field('call-id'))[:8]}"
    lines = (
        f"SIP/2.0 {says}",
        *(f"Via: {via}" for via in asked.fields.get("via", ())),
        f"From: {asked.field('from')}",
        f"To: {tagged}",
        f"Call-ID: {asked.field('call-id')}",
        f"CSeq: {asked.field('cseq')}",
        f"Contact: <{party.own_uri}>",
        *(("Content-Type: application/sdp",) if body else ()),
        f"Content-Length: {len(body)}",
    )
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def authorization(party: Party, challenge: str, method: str, uri: str) -> str:
    """Return the Authorization field that answers a digest challenge (RFC 2617)."""
    asked = dict(_PARAMETER.findall(challenge))
    realm, nonce = asked.get("realm", ""), asked.get("nonce", "")
    who = _md5(f"{party.user}:{realm}:{party.password}")
    what = _md5(f"{method}:{uri}")
    more = ""
    if "qop" in asked:
        own = secrets.token_hex(4)
        response = _md5(f"{who}:{nonce}:00000001:{own}:auth:{what}")
        more = f', qop=auth, nc=00000001, cnonce="{own}"'
    else:
        response = _md5(f"{who}:{nonce}:{what}")
    if "opaque" in asked:
        more += f', opaque="{asked["opaque"]}"'
    return (
        f'Authorization: Digest username="{party.user}", realm="{realm}", nonce="{nonce}", uri="{uri}", '
        f'response="{response}", algorithm=MD5{more}'
    )


def audio(ip: str) -> str:
    """Return the description of a call's sound: G.711, at a port where nobody listens."""
    return (
        f"v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\n"
        "m=audio 40000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
    )


def sound_address(description: str) -> tuple[str, int] | None:
    """Return where the other side of a call listens for its sound, by its description; None when it does not say."""
    ip, port = re.search(r"^c=IN IP4 (\S+)", description, re.MULTILINE), _SOUND_PORT.search(description)
    return (ip[1], int(port[1])) if ip and port else None


def silence(seconds: float) -> list[bytes]:
    """Return the packets of so many seconds of silence in G.711 (RFC 3550), to be sent one each 20 ms."""
    source = secrets.token_bytes(4)
    return [
        b"\x80\x00" + struct.pack(">HI", n, n * 160) + source + b"\xff" * 160
        for n in range(int(seconds * 50))
    ]


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
