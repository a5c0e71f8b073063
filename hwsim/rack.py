"""The rack: two servers, a relay card, a telephone line and an observer, put together and wired up."""

from __future__ import annotations

import asyncio
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hwsim import asterisk
from hwsim.asterisk import real
from hwsim.card import uevent, vendortool
from hwsim.card.berofos import Berofos
from hwsim.card.card import Position
from hwsim.card.fuse_file import FuseFile
from hwsim.card.hid_board import HidBoard
from hwsim.card.network import HTTP_PORT, UDP_PORT, BerofosOnNetwork
from hwsim.card.relays import new_cable, new_relay
from hwsim.dahdi.tree import DahdiTree
from hwsim.history import History
from hwsim.line.line import LineEvent, TelephoneLine
from hwsim.line.profiles import PROFILES
from hwsim.line.server import LineServer
from hwsim.nodes import (
    Network,
    Node,
    Outside,
    Power,
    cleanup,
    new_prefix,
    rack_dir,
)
from hwsim.nodes.inside import Result
from hwsim.nodes.netns import datagrams_in, ip_batch, server_in
from hwsim.nodes.network import LAN
from hwsim.nodes.node import SHARED
from hwsim.pbxdata import DIRECTORIES
from hwsim.server import Server
from hwsim.simtime import LoopTime, Timer
from hwsim.site import RELAY_AT, Site
from hwsim.telephones import Telephones
from hwsim.telephones.conf import conf_files, modules_left_out
from hwsim.view import NodeView, RackView

SIDES = ("primary", "secondary")
_SIDE_OF = {Position.NO: "primary", Position.NC: "secondary"}
_SHARED = Path(SHARED)
_HID_FILE = "hidraw"
# Directories hidden from the node: files of an asha on the host, or left there by its tests, would be
# believed by the node's asha.
_NOT_INSTALLED_YET = ("/etc/asha", "/var/lib/asha", "/var/log/asha")
# What root's shell runs on this host for its own sake, at each command that comes over ssh.
_NOT_THIS_ROOTS = ("/root/.bashrc", "/root/.profile", "/root/.bash_profile", "/root/.ssh/rc")


class _RackTime(LoopTime):
    """The loop's clock, until the rack is gone: the line's timers would write into what was removed."""

    gone = False

    def call_later(self, delay: float, action: Callable[[], None]) -> Timer:
        return super().call_later(delay, lambda: None if self.gone else action())


class Rack:
    """Everything between the provider's line and the telephones, for one pair.

    `up` builds it with both machines booted and nothing started on them; `down` takes all of it away. `asks_each`: how
    often the telephone outside asks the cluster address, in seconds.
    """

    def __init__(self, site: Site, asks_each: float = 0.010) -> None:
        self.site = site
        self.history = History()
        self._prefix = new_prefix()
        self._dir = rack_dir(self._prefix)
        self.network = Network(self._prefix, ipv6=site.has_ipv6, guests=len(site.guests))
        self.outside, *more = (Outside(self.network, ip, asks_each) for ip in site.addresses)
        self.telephones = (
            Telephones(self.network, site.telephones, connected=True) if site.telephones else None
        )
        self.outsides = dict(zip(site.addresses, (self.outside, *more), strict=True))
        self.on_network: BerofosOnNetwork | None = None
        self.servers: dict[str, Server] = {}
        self.guests: dict[str, Node] = {}
        self._line_servers: list[LineServer] = []
        self._hid_file: FuseFile | None = None
        self._telling: set[asyncio.Task[Result]] = set()

    async def up(self) -> None:
        """Build the rack and switch both machines on. Raises RackError."""
        self._clock = _RackTime()
        logs = self._dir / "logs"
        logs.mkdir(parents=True)
        await self.network.up()
        named = zip(SIDES, self.site.names, strict=True)
        nodes = {side: self._machine(side, name) for side, name in named}
        self.guests = {
            place: self._machine(place, name)
            for place, name in zip(self.network.guests, self.site.guests, strict=True)
        }
        self.servers = {side: Server(side, node, self.site, logs) for side, node in nodes.items()}
        await self._wire_line(nodes["primary"].shared)
        nodes["primary"].on_down = self._primary_went_down
        for side in SIDES:
            self._furnish(side, nodes[side])
        for guest in self.guests.values():
            self.site.engine.install(guest, {})
        await asyncio.gather(
            *(self.boot(side) for side in SIDES), *(guest.boot() for guest in self.guests.values())
        )
        for outside in self.outsides.values():
            await outside.start()
        if self.telephones is not None:
            await self.telephones.start()

    async def down(self) -> None:
        """Remove the rack, whatever state it is in. Harmless when repeated."""
        for outside in self.outsides.values():
            await outside.stop()
        if self.telephones is not None:
            await self.telephones.stop()
        await asyncio.gather(*self._telling, return_exceptions=True)
        for line_server in self._line_servers:
            await line_server.stop()
        self._line_servers.clear()
        for node in (*self.guests.values(), *(server.node for server in self.servers.values())):
            await node.close()
        if self.on_network is not None:
            self.on_network.stop()
        if hasattr(self, "tty"):  # the tty exists from the primary's first boot on
            self.tty.unplug()
        if self._hid_file is not None:
            self._hid_file.close()
        if self.servers:
            self._clock.gone = True
        await self.network.down()
        await asyncio.to_thread(cleanup.remove, self._prefix)

    async def boot(self, side: str) -> None:
        """Switch a machine on. The primary's USB port gives the card its power; a relay on the network has its own."""
        node = self.servers[side].node
        await node.boot()
        if self.site.telephones:
            await real.mount(node)
        if side == "primary" and self.on_network is None:
            self.tty = new_cable(
                self.card, self.site.relay, _SHARED / _HID_FILE, node.path("/dev"), node.path("/sys")
            )
            self.tty.plug(self.tty.first)

    def power_off(self, side: str) -> float:
        """Cut a machine's mains, and with the primary's those of the card in it. Return the monotonic time."""
        return self.servers[side].node.power_off()

    async def freeze(self, side: str) -> float:
        """Hang a machine with its power on. Return the monotonic time."""
        return await self.servers[side].node.freeze()

    def thaw(self, side: str) -> float:
        """Resume a hung machine. Return the monotonic time."""
        return self.servers[side].node.thaw()

    def unplug_card(self) -> float:
        """Pull the card's cable, which gives it its power. Return the monotonic time."""
        at = self.now()
        if self.on_network is not None:
            self.on_network.stop()
            return at
        self.tty.unplug()
        self._kernel_tells("remove", self.tty.first)
        return at

    def plug_card(self, name: str = "") -> float:
        """Plug the card in, to be seen as `name`, or as its kind's first device. Return the monotonic time."""
        at = self.now()
        name = name or self.tty.first
        self.tty.plug(name)
        self._kernel_tells("add", name)
        return at

    async def start_agent(self, side: str) -> None:
        """Start asha's agent on a machine."""
        await self.servers[side].start_agent()

    def kill_asterisk(self, side: str, number: int = signal.SIGKILL) -> float:
        """Signal Asterisk. Return the monotonic time. Raises NodeError when Asterisk does not run."""
        server = self.servers[side]
        return server.node.kill(server.asterisk_pid() or 0, number)

    def kill_engine(self, side: str, daemon: str = "", number: int = signal.SIGKILL) -> float:
        """Signal a process of the cluster engine, its master when `daemon` is not named. Return the monotonic time.

        Raises NodeError when it does not run.
        """
        server = self.servers[side]
        return server.node.kill(server.engine_pid(daemon) or 0, number)

    def engine_runs(self, side: str) -> bool:
        """Return True when the cluster engine's master exists on that side."""
        return self.servers[side].engine_pid() is not None

    def asterisk_runs(self, side: str) -> bool:
        """Return True when Asterisk's process exists on that side."""
        return self.servers[side].asterisk_pid() is not None

    def in_service(self, side: str) -> bool:
        """Return True when a call could be made over the line from that side now."""
        return self.line.works(side)

    def serves(self, side: str, since: float) -> bool:
        """Return True when a telephone was answered from there after `since`, and its line is in service.

        With a real Asterisk the line does not count: it cannot speak to the simulated span.
        """
        answered = self.first_answer("sip", side, since) is not None
        return answered and (self.telephones is not None or self.in_service(side))

    def now(self) -> float:
        """Return monotonic seconds, the same on every simulated machine."""
        return self._clock.now()

    def wall_time(self, at: float) -> float:
        """Return the seconds since the epoch at the monotonic time `at`, by every clock that was not stepped."""
        return time.time() - self.now() + at

    async def pause(self, seconds: float) -> None:
        """Let the rack run for `seconds`."""
        await asyncio.sleep(seconds)

    def first_answer(self, kind: str, side: str, after: float, ip: str = "") -> float | None:
        """Return when `side` first answered for the cluster address (ping, sip) or announced itself (garp).

        `ip`: which of the cluster's addresses; the first of the site's without it.
        """
        outside = self.outsides[ip] if ip else self.outside
        seen = outside.first(kind, after, outside.mac_of(side))  # type: ignore[arg-type]
        return None if seen is None else seen.t

    def journals(self) -> list[dict[str, Any]]:
        """Return the entries of both nodes' journals."""
        return [entry for server in self.servers.values() for entry in server.journal()]

    def keep_logs(self, place: Path) -> None:
        """Copy what helps to understand a failure to `place`: logs, journals, the engine's logs."""
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        for log in (self._dir / "logs").iterdir():
            shutil.copy(log, place / log.name)
        for side, server in self.servers.items():
            for path in ("/var/lib/asha/journal", *self.site.engine.logs):
                source = server.node.path(path)
                if source.is_file():
                    shutil.copy(source, place / f"{side}-{Path(path).name}")

    def view(self) -> RackView:
        """Return the rack as seen from outside now."""
        now = self.now()
        at = next((side for side in SIDES if self.first_answer("ping", side, now - 0.1) is not None), "")
        return RackView(
            primary=self._node_view("primary"),
            secondary=self._node_view("secondary"),
            relay=_SIDE_OF[self.card.position()],
            address_at=at,
            address=self.site.addresses[0],
            card=self.card.powered,
            telco=self.line.telco_alive,
        )

    def _kernel_tells(self, action: str, name: str) -> None:
        """Send the uevent that the primary's kernel would send when the relay's device comes or goes."""
        node = self.servers["primary"].node
        if node.power is not Power.ON:
            return
        argv = [sys.executable, "-IS", uevent.__file__]
        env = {"ACTION": action, "NAME": name, "SUBSYSTEM": self.tty.kind}
        telling = asyncio.create_task(node.run(argv, env=env))
        self._telling.add(telling)
        telling.add_done_callback(self._telling.discard)

    def _primary_went_down(self) -> None:
        """Take the card's power, which comes from the primary's USB port, after a power cut or a reboot."""
        if self.on_network is None:
            self.card.power_off()

    async def _wire_line(self, shared: Path) -> None:
        profile = PROFILES[self.site.profile]
        self.card = new_relay(self._clock, self.site.relay)
        if isinstance(self.card, HidBoard):  # before the machines boot, so that they see it
            self._hid_file = FuseFile(shared / _HID_FILE, self.card.ioctl)
        if isinstance(self.card, Berofos):
            await self._put_on_network(self.card)
        self.line = TelephoneLine(self._clock, dict.fromkeys(SIDES, profile))
        self.line.on_change(self._line_changed)
        self.card.on_move.append(self._relay_moved)
        self.line.connect(_SIDE_OF[self.card.position()])
        for side in SIDES:
            server = LineServer(self.line, side, shared / f"{side}.line")
            await server.start()
            self._line_servers.append(server)
            DahdiTree(shared / f"{side}.dahdi", self.site.cards).follow(self.line, side)

    async def _put_on_network(self, card: Berofos) -> None:
        space = self.network.namespace("outside")
        await ip_batch([f"addr add {RELAY_AT}/24 dev {LAN}"], namespace=space)
        self.on_network = BerofosOnNetwork(card)
        tcp, udp = server_in(space, RELAY_AT, HTTP_PORT), datagrams_in(space, RELAY_AT, UDP_PORT)
        await self.on_network.start(tcp, udp)

    def _machine(self, place: str, name: str) -> Node:
        site = self.site
        return Node(
            place,
            name,
            self._dir,
            self.network,
            disk_size=site.disk_size,
            own_clock=site.own_clocks and place in SIDES,
        )

    def _furnish(self, side: str, node: Node) -> None:
        """Put on the machine what an installer would: the cluster engine, Asterisk, the vendor's tool, asha's conf."""
        node.prepare(empty=DIRECTORIES, absent=(*_NOT_INSTALLED_YET, *_NOT_THIS_ROOTS))
        hosts = {name: Network.address(place) for place, name in zip(SIDES, self.site.names, strict=True)}
        engine = self.site.engine
        for installed in (engine, *self.site.others):
            installed.install(node, hosts)
        node.write("/etc/asha.conf", self.site.conf(_SHARED / f"{side}.dahdi"), 0o600)
        node.write(engine.secret.path, engine.secret.text, engine.secret.mode)
        if self.site.telephones:
            real.install(node, modules_left_out(self.site.sip_driver))
            for name, text in conf_files(self.site.sip_driver, self.site.telephones).items():
                node.write(f"/etc/asterisk/{name}", text)
        else:
            node.write("/etc/hwsim-asterisk.conf", self.site.asterisk_conf(_SHARED / f"{side}.line"))
            node.write("/usr/local/sbin/asterisk", asterisk.program_text(), 0o755)
        node.write("/etc/asterisk/manager.conf", self.site.manager_conf)
        node.write("/usr/local/bin/rhinofailover", vendortool.tool_text(), 0o755)

    def _relay_moved(self, at: float, relay: int, position: Position) -> None:
        if relay:  # the line's wires hang on the first relay
            return
        side = _SIDE_OF[position]
        self.history.note(at, "relay", side)
        self.line.connect(side)

    def _line_changed(self, event: LineEvent) -> None:
        if event.what == "in_service":
            kind = "in_service" if event.value == "yes" else "out_of_service"
            self.history.note(event.at, kind, event.side)
        else:
            self.history.note(event.at, event.what, event.side, event.value)

    def _node_view(self, side: str) -> NodeView:
        power = self.servers[side].node.power
        span = self.line.sides[side]
        return NodeView(
            state={Power.ON: "up", Power.OFF: "off", Power.HUNG: "frozen"}[power],
            asterisk=self.asterisk_runs(side),
            alarm=span.alarm,
            dchannel=span.dchannel,
            in_service=self.line.works(side),
        )
