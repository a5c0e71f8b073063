"""One question to the name servers of this machine, and what became of it.

The C library is not asked: musl's, in the private runtime, asks for IPv4 and IPv6 addresses together, and gives
no address at all when one of the two questions fails (docs/facts/resolver.md). Nor can it be interrupted.
"""

from __future__ import annotations

import enum
import socket
from dataclasses import dataclass

import dns.exception
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype

from appliance.notify.resolver_conf import ResolverConf

# How often every server is asked before the question counts as not answered.
_ROUNDS = 2
_TYPES = {socket.AF_INET: dns.rdatatype.A, socket.AF_INET6: dns.rdatatype.AAAA}


class LookupOutcome(enum.Enum):
    """What became of a question, in words for people."""

    FOUND = "found"
    NO_ADDRESS = "it has no address"
    NO_SUCH_NAME = "there is no such name"
    SERVER_FAILURE = "the name server could not find out (SERVFAIL)"
    REFUSED = "the name server does not answer such a question"
    SILENCE = "no name server answers"


@dataclass(frozen=True, slots=True)
class AddressAnswer:
    """What became of a question; `addresses` are empty unless it is FOUND."""

    outcome: LookupOutcome
    addresses: tuple[str, ...] = ()


_SILENCE = AddressAnswer(LookupOutcome.SILENCE)
_NO_SUCH_NAME = AddressAnswer(LookupOutcome.NO_SUCH_NAME)


class NameServers:
    """The name servers of `conf`, asked one after the other; one that stayed silent is asked last from then on.

    `patience`: seconds for one answer. `port`: where they listen.
    """

    def __init__(self, conf: ResolverConf, port: int, patience: float) -> None:
        self._servers = list(conf.servers)
        self._port = port
        self._patience = patience

    def ask(self, name: str, family: socket.AddressFamily) -> AddressAnswer:
        """Return the addresses of `family` that the full name `name` has, or why there are none.

        The first answer of any server counts. A server that fails or refuses is no answer while there is
        another one, as with glibc.
        """
        try:
            query = dns.message.make_query(f"{name}.", _TYPES[family])
        except (dns.exception.DNSException, UnicodeError):  # a label that is empty or too long
            return _NO_SUCH_NAME
        for _ in range(_ROUNDS):
            answer = self._ask_each(query)
            if answer is not _SILENCE:
                return answer
        return _SILENCE

    def _ask_each(self, query: dns.message.Message) -> AddressAnswer:
        failure = _SILENCE
        for server in tuple(self._servers):
            answer = self._ask_one(query, server)
            if answer is _SILENCE:
                self._servers.remove(server)
                self._servers.append(server)
            elif answer.outcome in (LookupOutcome.SERVER_FAILURE, LookupOutcome.REFUSED):
                failure = answer
            else:
                return answer
        return failure

    def _ask_one(self, query: dns.message.Message, server: str) -> AddressAnswer:
        try:
            return _answer(query, self._exchange(query, server))
        except (dns.exception.DNSException, OSError, EOFError):
            # No answer in time, none that can be read, or no way to that server.
            return _SILENCE

    def _exchange(self, query: dns.message.Message, server: str) -> dns.message.Message:
        """Return the server's answer: by UDP, or by TCP when it was too long for that.

        What was cut off is better than nothing where TCP does not get through.
        """
        try:
            return dns.query.udp(
                query, server, self._patience, self._port, ignore_unexpected=True, raise_on_truncation=True
            )
        except dns.message.Truncated as cut:
            part: dns.message.Message = cut.message()  # type: ignore[no-untyped-call]
        try:
            return dns.query.tcp(query, server, self._patience, self._port)
        except (dns.exception.DNSException, OSError, EOFError):
            return part


def _answer(query: dns.message.Message, reply: dns.message.Message) -> AddressAnswer:
    wanted = query.question[0].rdtype
    addresses = tuple(data.to_text() for found in reply.answer if found.rdtype == wanted for data in found)
    match reply.rcode():
        case dns.rcode.NOERROR:
            return (
                AddressAnswer(LookupOutcome.FOUND, addresses)
                if addresses
                else AddressAnswer(LookupOutcome.NO_ADDRESS)
            )
        case dns.rcode.NXDOMAIN:
            return _NO_SUCH_NAME
        case dns.rcode.SERVFAIL:
            return AddressAnswer(LookupOutcome.SERVER_FAILURE)
        case _:
            return AddressAnswer(LookupOutcome.REFUSED)
