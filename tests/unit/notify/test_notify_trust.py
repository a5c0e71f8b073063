"""Which CA certificates servers are believed by, and what is said when there are none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.cli.checks.look import Scene
from appliance.cli.checks.own import alerts
from appliance.config import Conf
from appliance.core.errors import HostError
from appliance.core.host_check.finding import Level
from appliance.core.model import Node
from appliance.host.clock import SystemClock
from appliance.notify.trust import PLACES, NoTrust, Trust, wants_trust

WEBHOOK = Conf(notify_webhook="https://hooks.example.com/")


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)


@pytest.fixture(scope="session")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The certificate of a CA."""
    place = tmp_path_factory.mktemp("ca")
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=our CA", "-days", "2"]
    files = ["-keyout", str(place / "key.pem"), "-out", str(place / "ca.pem")]
    subprocess.run([*words, *files], check=True, capture_output=True)
    return place / "ca.pem"


def test_the_first_place_that_is_there_counts(tmp_path: Path, ca: Path) -> None:
    places = tuple(tmp_path / name for name in "abc")
    for place in places[1:]:
        place.write_bytes(ca.read_bytes())
    trust = Trust(places=places)
    assert trust.file() == places[1]
    assert trust.context().cert_store_stats()["x509_ca"] == 1


def test_the_environment_stands_before_the_distribution_and_the_conf_before_both(
    tmp_path: Path, ca: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, own = tmp_path / "given.pem", tmp_path / "own.pem"
    for place in (given, own):
        place.write_bytes(ca.read_bytes())
    monkeypatch.setenv("SSL_CERT_FILE", str(given))
    assert Trust(places=(ca,)).file() == given
    assert Trust(str(own), places=(ca,)).file() == own


def test_the_certificates_that_are_named_are_the_only_ones(ca: Path) -> None:
    (subject,) = (found["subject"] for found in Trust(str(ca)).context().get_ca_certs())
    assert subject == ((("commonName", "our CA"),),)


def test_this_machine_has_its_certificates_in_one_of_the_places() -> None:
    """The package ca-certificates is there wherever pip and git work by https."""
    assert Trust().file() in PLACES
    assert Trust().context().cert_store_stats()["x509_ca"] > 50


def test_comments_between_the_certificates_and_letters_of_other_alphabets_do_no_harm(
    tmp_path: Path, ca: Path
) -> None:
    place = tmp_path / "bundle.crt"
    place.write_bytes(
        "# Főtanúsítvány\n".encode() + ca.read_bytes() + b"\nCertificate Ingredients:\n" + ca.read_bytes()
    )
    assert Trust(str(place)).context().cert_store_stats()["x509_ca"] == 1


def test_none_anywhere_says_where_it_was_looked_for_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NoTrust) as problem:
        Trust(places=(tmp_path / "nothing.crt",)).context()
    said = str(problem.value)
    assert "nothing.crt" in said and "ca-certificates" in said and "NOTIFYCA" in said


def bad_files(place: Path, ca: Path) -> dict[str, Path]:
    """Files that hold no certificate, by what is said of each."""
    text, key, pipe = place / "text", ca.parent / "key.pem", place / "pipe"
    text.write_text("no certificate\n")
    (place / "empty").touch()
    os.mkfifo(pipe)
    half = place / "half"
    half.write_bytes(ca.read_bytes()[:300])
    long = place / "long"
    with long.open("wb") as file:
        file.truncate(1 << 40)
    return {
        "gone (NOTIFYCA) cannot be read: No such file": place / "gone",
        "is not a plain file": pipe,
        f"{place} (NOTIFYCA) is not a plain file": place,
        "text holds no CA certificate": text,
        "empty holds no CA certificate": place / "empty",
        "key.pem holds no CA certificate": key,
        "half holds no CA certificate": half,
        "longer than": long,
    }


def test_a_file_of_no_use_is_said_by_the_check_and_by_the_test(tmp_path: Path, ca: Path) -> None:
    for words, place in bad_files(tmp_path, ca).items():
        with pytest.raises(HostError) as problem:
            alerts(scene(Conf(notify_ca=str(place), notify_syslog=True)))
        assert words in str(problem.value)
        assert "NOTIFYCA" in problem.value.todo


def test_a_file_that_may_not_be_read_is_said(tmp_path: Path, ca: Path) -> None:
    """As another user: root may read everything."""
    place = tmp_path / "ca.pem"
    place.write_bytes(ca.read_bytes())
    place.chmod(0)
    words = "from appliance.notify.trust import *; import os, sys; os.setuid(65534)\n"
    words += "try: Trust(sys.argv[1]).context()\nexcept NoTrust as problem: print(problem)"
    done = subprocess.run(
        [sys.executable, "-c", words, str(place)], capture_output=True, text=True, check=False
    )
    assert "Permission denied" in done.stdout


@pytest.mark.parametrize(
    ("conf", "wanted"),
    [
        (Conf(), False),
        (WEBHOOK, True),
        (Conf(notify_webhook="HTTPS://hooks"), True),
        (Conf(notify_webhook="http://hooks/"), False),
        (Conf(mail_to="root", notify_smtp="mail"), False),
        (Conf(mail_to="root", notify_smtp="mail", notify_tls=True), True),
        (Conf(mail_to="root", notify_smtp="mail", notify_user="asha"), True),
        (Conf(mail_to="root", notify_tls=True), False),
        (Conf(notify_smtp="mail", notify_tls=True), False),
        (Conf(notify_ca="/etc/asha/ca.pem"), True),
    ],
)
def test_certificates_are_looked_for_only_where_they_are_used(conf: Conf, wanted: bool) -> None:
    assert wants_trust(conf) is wanted


def test_a_check_with_good_certificates_is_fine(ca: Path) -> None:
    conf = Conf(notify_ca=str(ca), notify_webhook=WEBHOOK.notify_webhook)
    assert alerts(scene(conf)).level is Level.OK


def scene(conf: Conf) -> Scene:
    return Scene(conf, Node.PRIMARY, "haprimary", SystemClock(), Path("/"))
