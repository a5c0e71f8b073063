"""Every RPM is one that rpm 4.4.2, of 2006, reads and obeys."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from conftest import PACKAGES, Rpms

# What rpm 4.4.2.3 provides. Source: its own rpmlib table.
KNOWN_TO_4_4_2 = {
    "BuiltinLuaScripts",
    "CompressedFileNames",
    "ConcurrentAccess",
    "ExplicitPackageProvide",
    "HeaderLoadSortsTags",
    "PartialHardlinkSets",
    "PayloadFilesHavePrefix",
    "PayloadIsBzip2",
    "ScriptletInterpreterArgs",
    "VersionedDependencies",
}
SCRIPTS = ("prein", "postin", "preun", "postun", "pretrans", "posttrans", "verifyscript")
MD5_DIGEST = re.compile(r"[0-9a-f]{32}")

package = pytest.mark.parametrize("name", PACKAGES)


def query(rpm: Path, form: str) -> list[str]:
    argv = ["rpm", "-qp", "--nosignature", "--qf", form, rpm]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=True)
    return done.stdout.splitlines()


def unacceptable(rpm: Path) -> list[str]:
    """What rpm 4.4.2 would refuse or not do."""
    return [
        *(f"payload {word}" for word in query(rpm, "%{PAYLOADCOMPRESSOR}\n") if word != "gzip"),
        *(
            f"digest {word}"
            for word in query(rpm, "[%{FILEDIGESTS}\n]")
            if word and not MD5_DIGEST.fullmatch(word)
        ),
        *(f"feature {word}" for word in _features(rpm) if word not in KNOWN_TO_4_4_2),
        *(f"version {word}" for word in query(rpm, "%{VERSION}-%{RELEASE}\n") if re.search(r"[~^]", word)),
        *(f"rich {word}" for word in query(rpm, "[%{REQUIRENAME}\n]") if word.startswith("(")),
        *(f"weak {word}" for word in query(rpm, "[%{RECOMMENDNAME}\n]") if word != "(none)"),
        *(f"trigger {word}" for word in query(rpm, "[%{FILETRIGGERNAME}\n]") if word != "(none)"),
        *(f"capability {word}" for word in query(rpm, "[%{FILECAPS}\n]") if word not in ("", "(none)")),
    ]


def _features(rpm: Path) -> list[str]:
    return [
        match for name in query(rpm, "[%{REQUIRENAME}\n]") for match in re.findall(r"^rpmlib\((.*)\)$", name)
    ]


@package
def test_it_is_one_that_rpm_4_4_2_takes(all_rpms: Rpms, name: str) -> None:
    assert query(all_rpms[name], "[%{FILEDIGESTS}\n]")
    assert unacceptable(all_rpms[name]) == []


@package
def test_the_one_for_el6_and_later_is_the_same_with_digests_that_fips_takes(
    all_rpms: Rpms, name: str
) -> None:
    (later,) = (all_rpms[name].parent / "el6").glob(f"{name}-[0-9]*.el6.*.rpm")
    assert {len(word) for word in query(later, "[%{FILEDIGESTS}\n]") if word} == {64}
    assert query(later, "%{FILEDIGESTALGO}\n") == ["8"]
    recommended = [word for word in query(later, "[%{RECOMMENDNAME}\n]") if word != "(none)"]
    assert recommended == (["pacemaker"] if name == "asha" else [])
    known = {*KNOWN_TO_4_4_2, "FileDigests"}  # rpm 4.6, and EL6 has 4.8
    assert [word for word in _features(later) if word not in known] == []
    for form in ("[%{FILENAMES} %{FILEMODES} %{FILEMTIMES}\n]", "%{POSTIN}%{PREUN}%{POSTUN}\n"):
        assert query(later, form) == query(all_rpms[name], form)


def test_what_rpmbuild_makes_by_itself_is_not(tmp_path: Path) -> None:
    """The guard sees what it is for: without our macros, today's rpmbuild makes what 4.4.2 refuses."""
    (tmp_path / "today.spec").write_text(
        "Name: today\nVersion: 1~rc1\nRelease: 1\nSummary: x\nLicense: MIT\nBuildArch: noarch\nRecommends: more\n"
        "%description\nx\n%install\nmkdir -p %{buildroot}/opt\necho x >%{buildroot}/opt/today\n%files\n/opt/today\n"
    )
    argv = [
        *("rpmbuild", "--quiet", "-bb", "--define", f"_topdir {tmp_path}"),
        *("--define", "_binary_payload w2.xzdio", tmp_path / "today.spec"),
    ]
    subprocess.run(argv, check=True, timeout=60)
    (made,) = tmp_path.rglob("*.rpm")
    words = {line.split()[0] for line in unacceptable(made)}
    assert words == {"payload", "digest", "feature", "version", "weak"}


@package
def test_its_scripts_are_plain_shell_that_cannot_fail(all_rpms: Rpms, name: str) -> None:
    for script in SCRIPTS:
        text = "\n".join(query(all_rpms[name], f"%{{{script.upper()}}}\n"))
        if text == "(none)":
            continue
        (program,) = query(all_rpms[name], f"%{{{script.upper()}PROG}}\n")
        assert program == "/bin/sh", script
        assert "python" not in text.lower(), script
        assert text.rstrip().endswith("exit 0"), script
        checked = subprocess.run(
            ["busybox", "sh", "-n"], input=text, text=True, timeout=10, check=False, capture_output=True
        )
        assert checked.returncode == 0, checked.stderr


@package
def test_what_it_needs_of_the_system_is_a_shell(all_rpms: Rpms, name: str) -> None:
    needed = {word for word in query(all_rpms[name], "[%{REQUIRENAME}\n]") if not word.startswith("rpmlib(")}
    assert needed <= {"/bin/sh", "asha-runtime", "asha", "e-smith-base"}


def test_it_upgrades_the_original(all_rpms: Rpms) -> None:
    (version,) = query(all_rpms["asha"], "%{VERSION}-%{RELEASE}\n")
    vercmp = ["rpm", "--eval", f'%{{lua:print(rpm.vercmp("{version}", "1.0.0-2"))}}']
    done = subprocess.run(vercmp, capture_output=True, text=True, timeout=10, check=True)
    assert done.stdout.strip() == "1"


def test_the_runtime_is_small_enough_for_a_slow_line(all_rpms: Rpms) -> None:
    assert all_rpms["asha-runtime"].stat().st_size <= 17e6  # 0.8 of it asks name servers


def test_rpmlint_finds_nothing_that_is_not_explained(all_rpms: Rpms) -> None:
    argv = ["rpmlint", "--config", Path(__file__).with_name("rpmlint.toml"), *all_rpms.values()]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 packages and 0 specfiles checked; 0 errors, 0 warnings" in done.stdout


def test_checksums_and_repository_are_those_of_the_packages(all_rpms: Rpms) -> None:
    out = all_rpms["asha"].parent
    subprocess.run(
        ["sha256sum", "--check", "--quiet", "--strict", "SHA256SUMS"], cwd=out, check=True, timeout=60
    )
    listed = {line.split()[1] for line in (out / "SHA256SUMS").read_text().splitlines()}
    assert listed == {path.name for path in all_rpms.values()}
    index = (out / "repodata/repomd.xml").read_text()
    assert '<checksum type="sha">' in index and "primary.xml.gz" in index  # what the yum of EL5 reads
