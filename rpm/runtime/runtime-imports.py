"""Check that everything that asha imports is in the freshly built runtime.

The runtime's Python runs this script in an otherwise empty root directory.
"""

import asyncio
import ctypes
import hashlib
import os
import sqlite3
import ssl
import sys
import zlib

import cheroot.wsgi
import click
import dns.query
import flask
import inotify_simple
import jinja2
import markupsafe._speedups
import prometheus_client
import psutil
import pyroute2
import rich.console
import serial

USED = (
    asyncio,
    cheroot,
    click,
    ctypes,
    dns,
    flask,
    inotify_simple,
    jinja2,
    markupsafe,
    prometheus_client,
    psutil,
    pyroute2,
    rich,
    serial,
    sqlite3,
    zlib,
)

assert sys.version_info[:2] == (3, 11)
assert sys.prefix == "/opt/asha/runtime"
assert hashlib.sha256(b"").hexdigest().startswith("e3b0c442")
assert zlib.decompress(zlib.compress(b"asha")) == b"asha"
assert sqlite3.connect(":memory:").execute("select 1").fetchone() == (1,)
assert jinja2.Template("{{ a }}").render(a=1) == "1"
assert len(hashlib.scrypt(b"asha", salt=b"salt", n=16384, r=8, p=5, maxmem=1 << 25)) == 64
assert ctypes.CDLL(None).getpid() > 0
assert os.listxattr("/") is not None  # CPython leaves listxattr out where it does not know the C library
ssl.create_default_context()
print(f"{len(USED)} packages, {ssl.OPENSSL_VERSION}, SQLite {sqlite3.sqlite_version}: all there")
