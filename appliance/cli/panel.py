"""Command `asha panel`: run the page's server, and manage its users, its certificate and its login codes."""

from __future__ import annotations

import contextlib
import os
import pwd
import sys
from dataclasses import dataclass

import click

from appliance.cli.output import prints, put, say, tells, wants_json
from appliance.config import Conf, load
from appliance.config.schema import without_secrets
from appliance.control.client import ask
from appliance.core.errors import AshaError, UserError
from appliance.core.ip_address import with_port
from appliance.host.bounded import read_line
from appliance.host.paths import CONF, PANEL_DIR
from appliance.host.service_manager import ServiceManager
from appliance.local_node import CLOCK

_LONGEST = 4096  # of a password, in bytes


@click.group()
def panel() -> None:
    """Set up the page in the browser: who may log in, its certificate, and (run by init) its server."""


@panel.command()
def run() -> None:
    """Serve the page in the foreground (init starts it so). It gives up root's rights at once."""
    conf = load(CONF, to_run=True)
    if not conf.panel_on:
        click.echo("asha: the panel is off (PANEL=off).")
        ServiceManager.of_this_process().ready()  # success for init: no failure, and no restart
        return
    from appliance.panel.server.proxy import secret_digest  # noqa: PLC0415 - the other commands need no web server
    from appliance.panel.server.serve import run_panel  # noqa: PLC0415

    run_panel(without_secrets(conf), secret_digest(conf.panel_proxy_secret))


@panel.command(hidden=True)
def answers() -> None:
    """Fail when nobody answers where the page should be (init asks)."""
    from appliance.panel.server.reach import reach  # noqa: PLC0415

    reach(load(CONF, to_run=True))


@panel.command(hidden=True)
def welcome() -> None:
    """Make what is missing for a first visit, and say where the page is (the package does this)."""
    conf = load(CONF, to_run=True)
    if not conf.panel_on:
        return
    try:
        _make_certificate(conf)
    except AshaError as problem:
        click.echo(f"asha: the page has no certificate yet. {problem} Then: asha panel certificate.")
    from appliance.panel.auth.first_login import FirstLogin  # noqa: PLC0415

    fresh = FirstLogin().code_for_new()
    if fresh:
        from appliance.panel.server.reach import local_address  # noqa: PLC0415

        where = f"https://{with_port(local_address(conf), conf.panel_port)}{conf.panel_prefix}/"
        click.echo(f"asha: the page is at {where} once its service runs: service asha-panel start.")
        click.echo(f"asha: its first visitor needs this code, good for a week: {fresh}")


@panel.group()
def user() -> None:
    """Who may log in to the page."""


_STDIN = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input, one line."
)


@user.command("add")
@tells()
@click.argument("name")
@click.option("--role", type=click.Choice(["operator", "viewer"]), default="operator", show_default=True)
@_STDIN
def user_add(name: str, role: str, password_stdin: bool) -> None:
    """Let NAME log in: a viewer looks, an operator may also press the buttons."""
    from appliance.panel.auth.users import Users  # noqa: PLC0415

    Users().add(name, _password(password_stdin), "viewer" if role == "viewer" else "operator")
    _note(f"user {name} added as {role}")
    say(f"{name} can log in as {role}.")


@user.command("passwd")
@tells()
@click.argument("name")
@_STDIN
def user_passwd(name: str, password_stdin: bool) -> None:
    """Give NAME another password. Whoever is logged in under that name is logged out."""
    from appliance.panel.auth.users import Users  # noqa: PLC0415

    users = Users()
    if users.get(name) is None:
        raise UserError(f"There is no user {name}.", todo="'asha panel user list' names them.")
    users.change_password(name, _password(password_stdin))
    _note(f"password of {name} changed")
    say(f"Password of {name} changed.")


@user.command("role")
@tells()
@click.argument("name")
@click.argument("role", type=click.Choice(["operator", "viewer"]))
def user_role(name: str, role: str) -> None:
    """Make NAME a viewer or an operator."""
    from appliance.panel.auth.users import Users  # noqa: PLC0415

    Users().change_role(name, "viewer" if role == "viewer" else "operator")
    _note(f"user {name} is now {role}")
    say(f"{name} is {role} now.")


@dataclass(frozen=True, slots=True)
class SecondFactor:
    """The second factor of the user `name`. `address`: what the authenticator is given; "" when it was removed."""

    name: str
    address: str


@user.command("second-factor")
@prints(SecondFactor)
@click.argument("name")
@click.option("--remove", is_flag=True, help="Need no code any more, as when the authenticator is lost.")
def user_second_factor(name: str, remove: bool) -> None:
    """Have each login of NAME need a code of an authenticator too (TOTP), and show its address, once.

    Whoever is logged in under that name is logged out. Doing it again makes the authenticator before useless.
    """
    from appliance.panel.auth.second_factor import address, new_secret  # noqa: PLC0415
    from appliance.panel.auth.users import Users  # noqa: PLC0415

    secret = "" if remove else new_secret()
    Users().set_second_factor(name, secret)
    if remove:
        _note(f"user {name} needs no second factor any more")
        put(SecondFactor(name, ""), lambda made: [f"{made.name} logs in without a code."])
        return
    _note(f"user {name} has a new second factor")
    put(SecondFactor(name, address(secret, name, os.uname().nodename)), lambda made: [made.address])
    click.echo(
        f"Put this address, as a QR code say, or the secret {secret} into the authenticator of {name}.",
        err=True,
    )
    click.echo("It is shown once. From now on a login needs a code; --remove undoes that.", err=True)


@user.command("remove")
@tells()
@click.argument("name")
def user_remove(name: str) -> None:
    """Let NAME in no more, from this moment."""
    from appliance.panel.auth.users import Users  # noqa: PLC0415

    Users().remove(name)
    _note(f"user {name} removed")
    say(f"{name} cannot log in any more.")


@dataclass(frozen=True, slots=True)
class UserShown:
    """Somebody who may log in to the page. `role`: operator or viewer. `second_factor`: a login needs a code too."""

    name: str
    role: str
    second_factor: bool


@user.command("list")
@prints(tuple[UserShown, ...])
def user_list() -> None:
    """Everybody who may log in."""
    from appliance.panel.auth.users import Users  # noqa: PLC0415

    put([UserShown(one.name, one.role, one.second_factor) for one in Users().all()], _user_lines)


def _user_lines(everybody: list[UserShown]) -> list[str]:
    if not everybody:
        return ["No users yet. 'asha panel code' makes a code with which the page lets the first one in."]
    marks = {True: "  second factor", False: ""}
    return [f"{one.name:<32} {one.role}{marks[one.second_factor]}" for one in everybody]


@dataclass(frozen=True, slots=True)
class CertificateShown:
    """The page's certificate. `days`: for how many it is good; `sha256`: its fingerprint; `made`: it was made now."""

    path: str
    days: int
    sha256: str
    made: bool


@panel.command()
@prints(CertificateShown)
@click.option(
    "--renew", is_flag=True, help="Make a new one in place of the one that is there. Its key stays."
)
def certificate(renew: bool) -> None:
    """Make the page's certificate if there is none, and say how long it is good for and its fingerprint."""
    from appliance.panel.server.certificate import days_left, read_certificate  # noqa: PLC0415

    conf = load(CONF, to_run=True)
    made = _make_certificate(conf, renew=renew)
    found = read_certificate(conf.panel_cert)
    days = days_left(found, CLOCK.wall())
    put(CertificateShown(str(conf.panel_cert), days, found.fingerprint, made), _certificate_lines)


def _certificate_lines(shown: CertificateShown) -> list[str]:
    made = ["A certificate was made. Restart the panel to use it: service asha-panel restart."]
    good = [f"{shown.path} is good for {shown.days} days.", f"SHA-256 {shown.sha256}"]
    return [*(made if shown.made else []), *good]


def _make_certificate(conf: Conf, *, renew: bool = False) -> bool:
    """Make the certificate, unless the site has its own; return True when one was made.

    Raises UserError when `renew` is asked for the site's own certificate.
    """
    from appliance.panel.server.certificate import make_certificate  # noqa: PLC0415

    cert, key = conf.panel_cert, conf.panel_key
    if (cert, key) != (Conf().panel_cert, Conf().panel_key):
        if renew:
            raise UserError(
                f"{cert} is the site's own (PANELCERT), not made here.", todo="Renew it where it came from."
            )
        return False
    host = os.uname().nodename
    names = (host, host.partition(".")[0], conf.primary_name, conf.secondary_name)
    return make_certificate(cert, key, names, _own_addresses(conf), renew=renew)


def _own_addresses(conf: Conf) -> tuple[str, ...]:
    import socket  # noqa: PLC0415

    import psutil  # noqa: PLC0415

    own = {
        entry.address
        for entries in psutil.net_if_addrs().values()
        for entry in entries
        if entry.family == socket.AF_INET
    }
    return tuple(sorted({*own, *(address.ip for address in conf.addresses)}))


@dataclass(frozen=True, slots=True)
class Secret:
    """`secret`: the code or token, which is not shown again."""

    secret: str


def _put_secret(fresh: str) -> None:
    put(Secret(fresh), lambda shown: [shown.secret])


@panel.command()
@prints(Secret)
def code() -> None:
    """Make the code with which the page lets its first operator in. Good once, for a week."""
    from appliance.panel.auth.first_login import FirstLogin  # noqa: PLC0415

    fresh = FirstLogin().new_code()
    _note("a first-login code was made")
    _put_secret(fresh)


@panel.command()
@prints(Secret)
@click.argument("name")
def unlock(name: str) -> None:
    """Make a code that lets the next login of NAME go before all others, for when many try to log in.

    Typed on the login page within a quarter of an hour, together with the password, it makes that browser a known one.
    """
    from appliance.panel.auth.unlock import Unlock  # noqa: PLC0415

    fresh = Unlock().new_code(name)
    _note(f"a code was made that lets {name} log in before others")
    _put_secret(fresh)


@panel.command()
@prints(Secret)
def token() -> None:
    """Make the token that Prometheus needs for /metrics. It is shown once, and the one before it is void."""
    from appliance.panel.auth.token import MetricsToken  # noqa: PLC0415

    fresh = MetricsToken().new()
    _note("a new token for the metrics was made")
    _put_secret(fresh)


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return os.fsdecode(read_line(sys.stdin.buffer, _LONGEST, "Standard input")).rstrip("\r\n")
    words: str = click.prompt("Password", hide_input=True, confirmation_prompt="And again", err=wants_json())
    return words


def _note(says: str) -> None:
    """Note in the agent's journal, if an agent runs, what was changed here and by whom."""
    if not PANEL_DIR.exists():
        return
    by = f"{pwd.getpwuid(os.getuid()).pw_name} on this machine"
    with contextlib.suppress(AshaError):  # without an agent, or with a busy one, the change is made anyway
        ask("panel note", deadline=2.0, says=says, by=by)
