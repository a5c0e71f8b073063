"""The data that phones, callers and administrators leave on a server, written and read from outside.

The product is not asked: what `items` finds is on the server's own disk.
"""

from __future__ import annotations

import contextlib
import enum
import hashlib
import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from hwsim.nodes import Node, NodeError
from hwsim.voicemail import INBOX, OLD, Mailboxes

MAIL = "/var/spool/asterisk/voicemail/default"
SOUNDS = "/var/lib/asterisk/sounds"
CONF = "/etc/asterisk"
SARK_DB, ASTDB = "/opt/sark/db/sark.db", "/var/lib/asterisk/astdb.sqlite3"
# Directories of the server that hide the host's, because data of a real server on the host must not be seen
# here.
DIRECTORIES = (CONF, "/var/lib/asterisk", "/var/spool/asterisk", "/opt/sark")
_TABLES = (  # as Asterisk's db.c creates its own table; and SARK's table of telephones
    (ASTDB, "astdb (key VARCHAR(256), value VARCHAR(256), PRIMARY KEY(key))"),
    (SARK_DB, "ipphone (pkey TEXT PRIMARY KEY, desc TEXT)"),
)


class Kind(enum.Enum):
    """A kind of data, as people call it."""

    VOICEMAIL = "voicemail"
    GREETING = "greetings"
    CONF = "conf files"
    SARK = "SARK rows"
    ASTDB = "astdb rows"


class Item(NamedTuple):
    """One piece of data that can be lost; `name` is where it belongs, `content` what it must hold."""

    kind: Kind
    name: str
    content: str


Items = Counter[Item]
_ROWS = {
    Kind.SARK: (SARK_DB, "ipphone", "pkey", "desc"),
    Kind.ASTDB: (ASTDB, "astdb", "key", "value"),
}


class PbxData:
    """The data of one server; methods that write return the item to look for."""

    def __init__(self, node: Node) -> None:
        self._node = node

    async def furnish(self) -> None:
        """Create the data of a new server: directories, empty tables, one prompt."""
        for directory in (MAIL, SOUNDS, CONF, str(Path(SARK_DB).parent)):
            self._node.path(directory).mkdir(parents=True, exist_ok=True)
        self.prompt("hello", "hello")
        for database, table in _TABLES:
            await self._sqlite(database, f"create table {table}")

    # -- written

    def deliver(self, mailbox: str, caller: str) -> Item:
        """Leave a message as a caller does."""
        self._mail.deliver(mailbox, caller)
        return message(mailbox, INBOX, caller)

    def hear(self, mailbox: str, caller: str) -> tuple[Item, Item]:
        """Listen to a message; return its item before and after."""
        self._mail.hear(mailbox, caller)
        return message(mailbox, INBOX, caller), message(mailbox, OLD, caller)

    def delete(self, mailbox: str, caller: str) -> Item:
        """Delete a message; return the item that no longer exists."""
        self._mail.delete(mailbox, caller)
        return message(mailbox, INBOX, caller)

    def greet(self, mailbox: str, words: str) -> Item:
        """Record a new greeting of the mailbox's owner."""
        return self._file(Kind.GREETING, f"{MAIL}/{mailbox}/unavail.wav", words)

    def prompt(self, name: str, words: str) -> Item:
        """Record a prompt of the house."""
        return self._file(Kind.GREETING, f"{SOUNDS}/{name}.wav", words)

    def edit(self, name: str, text: str) -> Item:
        """Save a conf file, as an administrator does."""
        return self._file(Kind.CONF, f"{CONF}/{name}", text)

    async def sark_row(self, key: str, value: str) -> Item:
        """Insert or change a telephone, as SARK's page does."""
        return await self._row(Kind.SARK, key, value)

    async def astdb_row(self, key: str, value: str) -> Item:
        """Insert or change a row of Asterisk's own database."""
        return await self._row(Kind.ASTDB, key, value)

    # -- found

    def items(self) -> Items:
        """Return every item that is on the server."""
        found = Items()
        for mailbox, folder in self._mail.folders():
            found.update(message(mailbox, folder, who) for who in self._mail.callers(mailbox, folder))
        found.update(self._files(Kind.GREETING, f"{MAIL}", "*/*.wav"))
        found.update(self._files(Kind.GREETING, SOUNDS, "**/*"))
        found.update(self._files(Kind.CONF, CONF, "**/*"))
        for kind in _ROWS:
            found.update(self._rows(kind))
        return found

    def has(self, item: Item) -> bool:
        """Return True when `item` is on the server; only its own place is searched."""
        if item.kind is Kind.VOICEMAIL:
            mailbox, folder, caller = item.name.split("/")
            return caller in self._mail.callers(mailbox, folder)
        if item.kind in _ROWS:
            return item in self._rows(item.kind)
        try:
            return digest(self._node.path(item.name).read_bytes()) == item.content
        except OSError:
            return False

    def read(self, path: str) -> bytes:
        """Return a file's bytes. Raises OSError."""
        return self._node.path(path).read_bytes()

    @property
    def _mail(self) -> Mailboxes:
        return Mailboxes(self._node.path(MAIL))

    async def _row(self, kind: Kind, key: str, value: str) -> Item:
        database, table, _, _ = _ROWS[kind]
        await self._sqlite(database, f"replace into {table} values ('{key}', '{value}')")
        return Item(kind, key, value)

    def _file(self, kind: Kind, path: str, text: str) -> Item:
        self._node.write(path, text)
        return Item(kind, path, digest(text.encode()))

    def _files(self, kind: Kind, top: str, pattern: str) -> Iterator[Item]:
        place = self._node.path(top)
        for path in place.glob(pattern):
            with contextlib.suppress(FileNotFoundError):  # the file is being replaced
                if path.is_file():
                    yield Item(kind, f"{top}/{path.relative_to(place)}", digest(path.read_bytes()))

    def _rows(self, kind: Kind) -> list[Item]:
        """Return the rows in the database file's bytes.

        SQLite is given the bytes, because it would resolve links in the file's path on the host.
        """
        database, table, key, value = _ROWS[kind]
        try:
            content = self.read(database)
        except OSError:
            return []
        with contextlib.closing(sqlite3.connect(":memory:")) as opened:
            opened.deserialize(content)
            return [Item(kind, *row) for row in opened.execute(f"select {key}, {value} from {table}")]

    async def _sqlite(self, database: str, statement: str) -> None:
        done = await self._node.run(["sqlite3", database, f"{statement};"])
        if not done.ok:
            raise NodeError(f"sqlite3 on {self._node.hostname}: {done.err.strip()}")


def message(mailbox: str, folder: str, caller: str) -> Item:
    """Return the item of a complete message of `caller` in that folder."""
    return Item(Kind.VOICEMAIL, f"{mailbox}/{folder}/{caller}", "")


def digest(content: bytes) -> str:
    """Return a hash that tells contents apart."""
    return hashlib.sha256(content).hexdigest()
