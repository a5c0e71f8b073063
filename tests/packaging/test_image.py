"""The container image of the simulator: well made, and two nodes to play with in a minute (`make test-image`)."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from container import Container, Image, digest

TREE = Path(__file__).parents[2]
ARCHIVE = TREE / "out/image/asha-sim.tar"
_SECRETS = ("etc/ssh/ssh_host_*", "etc/asha/panel.*", "var/lib/asha/panel/*", "etc/corosync/authkey")
_PROMPT = r"rack> "
# Asks as a browser would that was told not to mind who has made the certificate.
_ASK = """
import http.client, ssl, sys
context = ssl._create_unverified_context()
page = http.client.HTTPSConnection("127.0.0.1", int(sys.argv[1]), context=context, timeout=10)
page.request("GET", "/login")
answer = page.getresponse()
print(answer.status, answer.headers["Location"])
"""


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """What `make image` has built, unpacked."""
    return Image(ARCHIVE, tmp_path_factory.mktemp("image"))


@pytest.fixture
def container(image: Image, tmp_path: Path) -> Iterator[Container]:
    """One that has just been started."""
    made = Container(image, tmp_path)
    yield made
    made.end()


def test_every_digest_is_right_and_no_secret_is_in_a_layer(image: Image) -> None:
    (index,) = json.loads((image.oci / "index.json").read_text())["manifests"]
    manifest = image.oci / "blobs/sha256" / index["digest"].removeprefix("sha256:")
    described = json.loads(manifest.read_text())
    for blob in (index, described["config"], *described["layers"]):
        file = image.oci / "blobs/sha256" / blob["digest"].removeprefix("sha256:")
        assert (digest(file), file.stat().st_size) == (blob["digest"], blob["size"])
    assert [layer["digest"] for layer in described["layers"]] == [digest(file) for file in image.files]
    inner = [_sha256_of_gunzipped(file) for file in image.files]
    assert image.config["rootfs"]["diff_ids"] == inner
    assert image.tags == ["asha-sim:latest"]
    assert index["annotations"]["io.containerd.image.name"] == "docker.io/library/asha-sim:latest"
    assert [found for layer in image.layers for secret in _SECRETS for found in layer.glob(secret)] == []


def test_two_nodes_come_up_show_their_pages_fail_over_and_come_home(container: Container) -> None:
    print(container.until(r"the pair is up, \d+ s after the start", 150).group())
    ports = [container.until(rf"{side} +https://\S+:(\d+)/", 30)[1] for side in ("primary", "secondary")]
    assert ports == ["8443", "8444"]
    container.until(_PROMPT, 30)
    for port in ports:
        asked = container.run("python3", "-c", _ASK, port)
        assert asked.stdout == "302 /first\n", asked
    assert "Protected: the primary" in does(container, "asha primary status")
    does(container, "power-cut primary")
    until_status_says(container, "Running on the secondary")
    for line in ("boot primary", "agent primary", "asha primary ha start"):
        does(container, line)
    until_status_says(container, "is ready to take over")
    assert "Done: this node serves" in does(container, "asha primary failback")
    container.type("quit")
    assert container.wait(60) == 0


def does(container: Container, line: str) -> str:
    """What the container says of a typed line, until it waits for the next."""
    container.type(line)
    return container.until(f"(?s)(.*?){_PROMPT}", 150)[1]


def until_status_says(container: Container, wanted: str) -> None:
    """Type `asha secondary status` again and again, as somebody who waits does."""
    end = time.monotonic() + 60
    while wanted not in (said := does(container, "asha secondary status")):
        assert time.monotonic() < end, said
        time.sleep(1)


def _sha256_of_gunzipped(file: Path) -> str:
    script = 'gzip -dc "$0" | sha256sum'
    said = subprocess.run(["sh", "-c", script, file], capture_output=True, text=True, timeout=60, check=True)
    return f"sha256:{said.stdout.split()[0]}"
