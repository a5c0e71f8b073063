"""The agent of a machine that its conf does not name.

The agent moves nothing, starts nothing, and waits to be set up. Since it does not know which node it is, it
touches no card: the relay stays where it was without power.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import Any

from appliance import __version__
from appliance.agent.components.file_troubles import FileTroubles
from appliance.agent.components.history import Written
from appliance.agent.components.journal_pages import JournalPages
from appliance.agent.components.relay_ports import RelayPorts
from appliance.agent.components.settings import Settings, Threads, why_not_set_up
from appliance.agent.context import Context
from appliance.agent.end_order import EndOrder
from appliance.agent.journal import Journal, JournalFile
from appliance.config import Conf, load
from appliance.control.protocol import ControlRequest
from appliance.control.server import ControlServer
from appliance.core.alerts import one_line
from appliance.core.answers import Said, TrendsAnswer
from appliance.core.counters import Meters
from appliance.core.errors import AshaError, UserError
from appliance.core.operator_actions import OperatorAction
from appliance.core.pair_state import pair_state
from appliance.core.status import (
    AddressStatus,
    DataStatus,
    EngineStatus,
    NodeNames,
    NotifyStatus,
    PbxStatus,
    PeerStatus,
    PermitStatus,
    Status,
    StatusValue,
)
from appliance.host.agent_socket import SOCKET
from appliance.host.clock import Clock
from appliance.host.paths import JOURNAL
from appliance.host.service_manager import ServiceManager
from appliance.host.system_journal import SystemJournal

# The answers of an agent on a machine that is no node yet: a whole status, with nothing in it.


LOOKS = ("job", "history", "trends", "meters")
_GOALS = ("acquire", "release")
FILL_IN = "fill in the High Availability tab first"


def blank_status(machine: str, why: str, names: NodeNames) -> Status:
    """Return the status of the machine named `machine`, which is neither node; `why` it is none."""
    unset: StatusValue[Any] = StatusValue(None, "this node is not set up")
    return Status(
        version=__version__,
        set_up=False,
        names=names,
        headline=f"This machine ({machine}) is not set up yet: {FILL_IN}, with the names of both nodes and "
        "the cluster's address.",
        unfit_because=(unset.why,),
        problems=(why,),
        permits={wish.value: PermitStatus(False, FILL_IN) for wish in OperatorAction},
        notify=NotifyStatus(waiting=0),
        engine=EngineStatus(unset, unset),
        peer=PeerStatus(alive=unset, fit=unset, granted=unset, line=unset, relay=unset),
        address=AddressStatus(here=unset),
        dchannel=unset,
        pbx=PbxStatus(unset),
        data=DataStatus(why=unset.why),
    )


def blank_answer(verb: str, wall: float) -> Any:
    """Return an empty answer to `verb`, in the shape that a page expects; `wall`: epoch seconds.

    Raises KeyError for any verb but those in LOOKS.
    """
    answers: dict[str, Any] = {
        "job": None,
        "history": [],
        "trends": TrendsAnswer(60, round(wall, 3)),
        "meters": Meters(round(wall, 3)).document(alerts=0),
    }
    return answers[verb]


# Well within the time that the service manager waits for a sign of life, in seconds.
_SIGN_OF_LIFE = 2.0
_LENGTH = 600


class UnconfiguredAgent:
    """One wait for a conf that names this machine."""

    def __init__(
        self, conf_path: Path, clock: Clock, init: ServiceManager, threads: Threads, order: EndOrder
    ) -> None:
        self._path = conf_path
        self._clock = clock
        self._init = init
        self._conf, self._wrong = _conf_or_none(conf_path)
        system = SystemJournal.of_this_process()
        self._journal = Journal(JournalFile(JOURNAL), clock, _complain, system=system)
        context = Context(conf_path, clock, self._journal)
        self._written = Written(context)
        self._pages = JournalPages(context)
        self._ports = RelayPorts(lambda: self._conf)
        self._settings = Settings(context, threads, adopt=self._adopt, refuses=lambda conf: ())
        self._files = FileTroubles(context, conf=lambda: self._conf)
        self._over = asyncio.Event()
        self._order = order

    async def run(self) -> bool:
        """Serve until the conf names this machine (True), or until the order to end (False)."""
        self._order.ends(self._over)
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._reload_quietly)
        why = self._wrong or why_not_set_up(self._conf)
        says = f"started; waits to be set up: {one_line(why, _LENGTH)}"
        self._journal.note("agent", says=says, version=__version__, pid=os.getpid())
        server = ControlServer(Path(SOCKET), self.answer)
        await server.start()
        self._init.ready()
        looking = asyncio.create_task(self._files.run())
        try:
            while not self._over.is_set():
                self._init.alive()
                if self._wrong:
                    self._reload_if_right()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_SIGN_OF_LIFE):
                        await self._over.wait()
        finally:
            looking.cancel()
            await server.stop()
            self._journal.note("agent", says="ended" if self._order.given else "set up")
            self._journal.close()
        return not self._order.given

    async def answer(self, request: ControlRequest) -> Any:
        """Answer what can be answered without knowing which node this is.

        Raises UserError for all other verbs.
        """
        verb = request.verb
        if verb == "status":
            return self._status()
        if verb == "reload":
            self._reload()
            return Said("The conf file was read again.")
        if verb in LOOKS:
            return blank_answer(verb, self._clock.wall())
        components = (self._written, self._pages, self._ports, self._settings)
        handler = next((one.verbs[verb] for one in components if verb in one.verbs), None)
        if handler is None and self._wrong:
            raise UserError(self._wrong)
        if handler is None:
            raise UserError(
                f"This machine is not set up: {FILL_IN}.", todo="Or: asha conf set HAPRINODE NAME."
            )
        return await handler(request)

    def _status(self) -> Status:
        conf = self._conf
        machine = os.uname().nodename
        why = self._wrong or why_not_set_up(conf)
        status = blank_status(machine, why, NodeNames(conf.primary_name, conf.secondary_name))
        if self._wrong:
            headline = f"This machine ({machine}) is no node: its conf file cannot be used."
            status = status._replace(headline=headline)
        status = self._files.report(status)
        return status._replace(state=pair_state(status))

    def _adopt(self, conf: Conf) -> None:
        self._conf, self._wrong = conf, ""
        if not why_not_set_up(conf):
            self._over.set()

    def _reload(self) -> None:
        self._adopt(load(self._path))

    def _reload_if_right(self) -> None:
        """Take the conf file, which was wrong when this agent was started, as soon as it is right."""
        conf, wrong = _conf_or_none(self._path)
        if wrong:
            self._wrong = wrong
        else:
            self._adopt(conf)

    def _reload_quietly(self) -> None:
        try:
            self._reload()
        except AshaError as problem:
            self._journal.note("agent", says=f"the conf file was not taken: {problem}")


def _conf_or_none(path: Path) -> tuple[Conf, str]:
    """Return the conf, or one without values and what is wrong with the file."""
    try:
        return load(path), ""
    except AshaError as problem:
        return Conf(), one_line(str(problem), _LENGTH)


def _complain(problem: str) -> None:
    print(f"asha: {problem}", file=sys.stderr, flush=True)
