"""SARK's row and the conf file follow each other: who has changed what decides, and nothing is lost to a guess."""

from __future__ import annotations

from pathlib import Path

import pytest
from sark_database import FILLED, FRESH, make_database, save, saved

from appliance.config import ConfError, load
from appliance.config.edit import set_values
from appliance.core.errors import HostError, UserError
from appliance.host.disk import locked
from appliance.sark import mirror
from appliance.sark.mirror import Done, Mirror
from appliance.sark.offered_values import Fitting, fitting
from appliance.sark.reconcile import SettingVerdict
from appliance.sark.table import NoGlobals

RECEIVER = "this node is on standby"
CONF = """# the site's own words
HACLUSTERIP=192.168.1.5
# these two are ours
HAPRINODE=haprimary
HASECNODE=hastandby
HASYNCH=LAZY
DB={database}
"""


class Site:
    """A conf file, SARK's database and the memory of a node called haprimary."""

    def __init__(self, folder: Path, row: dict[str, str | None] | None = None, conf: str = CONF) -> None:
        self.database = make_database(folder / "db/sark.db", row)
        self.conf = folder / "asha.conf"
        self.conf.write_text(conf.format(database=self.database))
        self.memory = folder / "lib/sark.json"
        self.keeper = Mirror("haprimary", self.conf, self.memory)

    def follow(self, receives: str = "") -> Done:
        return self.keeper.follow(receives=receives)

    def steps(self) -> dict[str, SettingVerdict]:
        return {one.key: one.step for one in self.keeper.look().settings}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Both sides have met and agree."""
    site = Site(tmp_path)
    done = site.follow()
    assert (done.pulled, done.pushed, done.view.problems) == ((), (), ())
    return site


def test_what_is_saved_in_sark_comes_into_the_conf_file_and_comments_stay(site: Site) -> None:
    save(site.database, {"HACLUSTERIP": "192.168.1.6", "HAUSECLUSTER": "yes", "HASYNCH": " loose "})
    done = site.follow()
    assert [str(change) for change in done.pulled] == [
        "HACLUSTERIP from '192.168.1.5' to '192.168.1.6'",
        "HASYNCH from 'LAZY' to 'LOOSE'",
        "HAUSECLUSTER from 'NO' to 'YES'",
    ]
    text = site.conf.read_text()
    assert text.startswith("# the site's own words\nHACLUSTERIP=192.168.1.6\n# these two are ours\n")
    assert (load(site.conf).use_cluster, load(site.conf).synch) == (True, "LOOSE")
    assert saved(site.database)["HASYNCH"] == " loose ", "nobody asked for another spelling"
    assert site.follow().pulled == ()


def test_what_is_changed_in_the_conf_file_comes_into_sark(site: Site) -> None:
    set_values(site.conf, {"HAUSECLUSTER": "YES", "HAAUTOFAILBACK": "ON"})
    done = site.follow()
    assert [str(change) for change in done.pushed] == [
        "HAUSECLUSTER from 'NO' to 'YES'",
        "HAAUTOFAILBACK from 'off' to 'on'",
    ]
    assert saved(site.database) == {
        **dict.fromkeys(saved(site.database)),
        **FILLED,
        "pkey": "global",
        "VOIPMAX": "10",
        "HAUSECLUSTER": "YES",
        "HAAUTOFAILBACK": "on",
    }


def test_a_receiver_writes_nothing_into_sark_and_forgets_nothing(site: Site) -> None:
    set_values(site.conf, {"HAUSECLUSTER": "YES"})
    save(site.database, {"HASYNCH": "LOOSE"})
    done = site.follow(RECEIVER)
    assert [change.key for change in done.pulled] == ["HASYNCH"] and done.pushed == ()
    assert (saved(site.database)["HAUSECLUSTER"], load(site.conf).use_cluster) == ("NO", True)
    assert [change.key for change in site.follow().pushed] == ["HAUSECLUSTER"]


def test_both_changed_is_named_and_waits(site: Site) -> None:
    set_values(site.conf, {"HACLUSTERIP": "192.168.1.7"})
    save(site.database, {"HACLUSTERIP": "192.168.1.8", "RESTART": "YES"})
    for _ in range(2):
        done = site.follow()
        first, todo = done.view.problems
        assert first == "HACLUSTERIP is '192.168.1.7' in the conf file and '192.168.1.8' in SARK"
        assert "asha sark pull" in todo and "asha sark push" in todo
    assert (load(site.conf).cluster_ip, load(site.conf).restart) == ("192.168.1.7", True)
    assert saved(site.database)["HACLUSTERIP"] == "192.168.1.8"


def test_pull_takes_sarks_and_push_the_conf_files(site: Site) -> None:
    set_values(site.conf, {"HACLUSTERIP": "192.168.1.7"})
    save(site.database, {"HACLUSTERIP": "192.168.1.8"})
    before = site.conf.read_text()
    dry = site.keeper.pull(dry_run=True)
    assert [change.now for change in dry.pulled] == ["192.168.1.8"] and site.conf.read_text() == before
    dry = site.keeper.push(dry_run=True)
    assert [change.now for change in dry.pushed] == ["192.168.1.7"]
    assert saved(site.database)["HACLUSTERIP"] == "192.168.1.8"
    site.keeper.push()
    assert saved(site.database)["HACLUSTERIP"] == "192.168.1.7" and site.follow().view.problems == ()
    set_values(site.conf, {"HACLUSTERIP": "192.168.1.7"})
    save(site.database, {"HACLUSTERIP": "192.168.1.9"})
    site.keeper.pull()
    assert load(site.conf).cluster_ip == "192.168.1.9" and site.follow().view.problems == ()


@pytest.mark.parametrize(
    ("saving", "named"),
    [
        ({"HACLUSTERIP": "192.168.1.256"}, "an IPv4 address"),
        ({"HACLUSTERIP": "192.168.1.0"}, "not that of the network"),
        ({"HACLUSTERIP": "192.168.1.6\nRESTART=YES"}, "an IPv4 address"),
        ({"HASYNCH": "EAGER"}, "LAZY or LOOSE"),
        ({"HASECNODE": "haprimary"}, "another name than HAPRINODE"),
        ({"HAPRINODE": "hastandby"}, "another name than HAPRINODE"),
        ({"HAPRINODE": "one8"}, "would be no part of the pair"),
        ({"HAPRINODE": "hastandby", "HASECNODE": "haprimary"}, "would be the secondary"),
        ({"RHINOSPF": "perhaps"}, "YES or NO"),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, dict) else "",
)
def test_a_wrong_value_is_named_and_not_taken(site: Site, saving: dict[str, str | None], named: str) -> None:
    before = load(site.conf)
    save(site.database, {**saving, "HAUSECLUSTER": "YES"})
    done = site.follow()
    assert [change.key for change in done.pulled] == ["HAUSECLUSTER"], "what is right is taken all the same"
    assert any(named in problem for problem in done.view.problems), done.view.problems
    after = load(site.conf)
    assert (
        after.cluster_ip,
        after.primary_name,
        after.secondary_name,
        after.synch,
        after.card_installed,
    ) == (
        before.cluster_ip,
        before.primary_name,
        before.secondary_name,
        before.synch,
        before.card_installed,
    )
    assert site.keeper.look().problems == done.view.problems, "a look names it too"


# -- the first meeting


def test_a_conf_file_that_is_not_set_up_takes_all_that_sark_says(tmp_path: Path) -> None:
    row = {**FILLED, "HAPRINODE": "haprimary", "HASECNODE": "pbx2", "RHINOSPF": None}
    site = Site(tmp_path, row, "RHINOSPF=YES\nDB={database}\n")
    site.follow()
    conf = load(site.conf)
    assert (conf.cluster_ip, conf.secondary_name, conf.card_installed) == ("192.168.1.5", "pbx2", True)


def test_a_sark_that_is_not_set_up_takes_all_that_the_conf_file_says(tmp_path: Path) -> None:
    site = Site(tmp_path, dict(FRESH))
    done = site.follow()
    assert done.pulled == () and len(done.pushed) == 8
    assert site.follow().pushed == ()
    assert {key: saved(site.database)[key] for key in FILLED} == {**FILLED, "HAMODE": "OFF"}


def test_two_that_are_not_set_up_leave_each_other_alone(tmp_path: Path) -> None:
    site = Site(tmp_path, dict(FRESH), "DB={database}\n")
    before = saved(site.database)
    done = site.follow()
    assert (done.pulled, done.pushed, done.view.problems) == ((), (), ())
    assert saved(site.database) == before and not site.memory.exists()


def test_two_that_are_set_up_otherwise_are_named(tmp_path: Path) -> None:
    site = Site(tmp_path, {**FILLED, "HACLUSTERIP": "192.168.1.9"})
    done = site.follow()
    assert (done.pulled, done.pushed) == ((), ())
    assert site.steps()["HACLUSTERIP"] is SettingVerdict.CONFLICT and len(done.view.problems) == 2


# -- blanks, and what a version lacks


def test_a_row_that_was_made_anew_says_nothing(site: Site) -> None:
    save(site.database, {**dict.fromkeys(FILLED), **FRESH})
    before = site.conf.read_text()
    done = site.follow()
    assert (done.pulled, done.pushed) == ((), ()) and site.conf.read_text() == before
    (problem,) = done.view.problems
    assert "HACLUSTERIP is blank in SARK" in problem
    site.keeper.push()
    assert site.follow().view.problems == () and saved(site.database)["HACLUSTERIP"] == "192.168.1.5"


def test_a_blank_address_is_taken_when_somebody_asks_for_it(site: Site) -> None:
    save(site.database, {"HACLUSTERIP": ""})
    with pytest.raises(UserError, match="nothing was taken"):
        site.keeper.pull()
    site.keeper.pull(blank=True)
    assert load(site.conf).cluster_ip == "" and site.follow().view.problems == ()
    save(site.database, {"HACLUSTERIP": "192.168.1.6"})
    site.follow()
    assert load(site.conf).cluster_ip == "192.168.1.6"


def test_a_blank_switch_says_nothing(site: Site) -> None:
    set_values(site.conf, {"RHINOSPF": "YES"})
    site.follow()
    save(site.database, {"RHINOSPF": "", "RESTART": None})
    assert site.follow().pulled == () and load(site.conf).card_installed
    set_values(site.conf, {"RESTART": "YES"})
    site.follow()
    assert saved(site.database)["RESTART"] == "YES", "what the conf file changes is filled in"


def test_a_version_without_some_columns_is_followed_in_the_others(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.database.unlink()
    row = {key: value for key, value in FILLED.items() if key not in ("HAUSECLUSTER", "RHINOSPF", "HAMODE")}
    make_database(site.database, row, without=("HAUSECLUSTER", "RHINOSPF", "HAMODE"))
    site.follow()
    set_values(site.conf, {"RHINOSPF": "YES", "RESTART": "YES"})
    save(site.database, {"HASYNCH": "LOOSE"})
    done = site.follow()
    assert ([change.key for change in done.pulled], [change.key for change in done.pushed]) == (
        ["HASYNCH"],
        ["RESTART"],
    )
    assert site.steps()["RHINOSPF"] is SettingVerdict.ABSENT and site.keeper.look().shown == {}
    assert [change.key for change in site.keeper.push().pushed] == []


# -- what goes wrong


def test_no_sark_is_nothing_to_shout_about(site: Site) -> None:
    site.database.unlink()
    with pytest.raises(NoGlobals):
        site.follow()


def test_a_wrong_conf_file_is_named_and_nothing_moves(site: Site) -> None:
    site.conf.write_text(site.conf.read_text() + "RESTART=maybe\n")
    save(site.database, {"HACLUSTERIP": "192.168.1.6"})
    with pytest.raises(ConfError, match="RESTART=maybe"):
        site.follow()
    assert saved(site.database)["HACLUSTERIP"] == "192.168.1.6"


def test_a_memory_that_is_damaged_is_a_first_meeting(site: Site) -> None:
    site.memory.write_text('{"agreed": [')
    save(site.database, {"HACLUSTERIP": "192.168.1.6"})
    assert site.follow().pulled == () and site.steps()["HACLUSTERIP"] is SettingVerdict.CONFLICT


def test_killed_between_the_change_and_the_memory_it_is_agreed_on_next_time(site: Site) -> None:
    memory = site.memory.read_bytes()
    save(site.database, {"HACLUSTERIP": "192.168.1.6"})
    site.follow()
    site.memory.write_bytes(memory)
    done = site.follow()
    assert (done.pulled, done.pushed, done.view.problems) == ((), (), ())
    save(site.database, {"HACLUSTERIP": "192.168.1.7"})
    assert [change.now for change in site.follow().pulled] == ["192.168.1.7"]


def test_what_somebody_writes_into_the_conf_file_meanwhile_is_not_written_over(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the judgement and the write: the next pass sees both changes, and names them."""
    save(site.database, {"HACLUSTERIP": "192.168.1.6"})

    def fitting_slowly(*words: object) -> Fitting:
        found = fitting(*words)
        set_values(site.conf, {"HACLUSTERIP": "192.168.1.7"})
        return found

    with monkeypatch.context() as slowly:
        slowly.setattr(mirror, "fitting", fitting_slowly)
        with pytest.raises(UserError, match="changed by somebody else"):
            site.follow()
    assert load(site.conf).cluster_ip == "192.168.1.7"
    assert site.follow().pulled == () and site.steps()["HACLUSTERIP"] is SettingVerdict.CONFLICT


def test_only_one_at_a_time(site: Site) -> None:
    with locked(site.memory.with_suffix(".lock")), pytest.raises(UserError, match="Try again"):
        site.follow()


def test_a_place_that_cannot_be_used_is_named(site: Site) -> None:
    in_the_way = site.conf.with_name("in-the-way")
    in_the_way.write_text("")
    with pytest.raises(HostError, match="in-the-way"):
        Mirror("haprimary", site.conf, in_the_way / "sark.json").follow(receives="")


def test_under_a_running_heartbeat_a_choice_takes_what_may_change_and_names_the_rest(site: Site) -> None:
    runs = Mirror("haprimary", site.conf, site.memory, engine_runs=lambda: True)
    save(site.database, {"HACLUSTERIP": "192.168.1.9", "RHINOSPF": "YES"})
    set_values(site.conf, {"HACLUSTERIP": "192.168.1.8", "HAUSECLUSTER": "NO"})
    save(site.database, {"HAUSECLUSTER": "YES"})
    done = runs.pull()
    assert [change.key for change in done.pulled] == ["HAUSECLUSTER"]
    assert (load(site.conf).cluster_ip, load(site.conf).card_installed) == ("192.168.1.8", False)
    assert done.view.held == ("RHINOSPF",)
    assert done.view.problems[-2:] == (
        "RHINOSPF was changed in SARK; it is taken when the HA engine is stopped on this node",
        "HACLUSTERIP cannot change under the running HA engine: stop it on this node, then pull again",
    )
    assert [change.key for change in site.follow().pulled] == ["RHINOSPF"], "by itself, once it is off"
    assert [change.key for change in site.keeper.pull().pulled] == ["HACLUSTERIP"]


ONLY_IPV6 = CONF.replace("HACLUSTERIP=192.168.1.5", "HACLUSTERIP6=2001:db8::5/64")


def test_a_pair_with_an_address_of_ipv6_alone_follows_a_sark_that_names_both_nodes(tmp_path: Path) -> None:
    """SARK has no column for HACLUSTERIP6, so its cluster address is blank by right."""
    site = Site(tmp_path, {**FILLED, "HACLUSTERIP": ""}, ONLY_IPV6)
    site.follow()
    save(site.database, {"HASYNCH": "LOOSE"})
    assert [str(change) for change in site.follow().pulled] == ["HASYNCH from 'LAZY' to 'LOOSE'"]
    set_values(site.conf, {"HAUSECLUSTER": "YES"})
    assert [change.key for change in site.follow().pushed] == ["HAUSECLUSTER"]
    assert "HACLUSTERIP6=2001:db8::5/64" in site.conf.read_text() and load(site.conf).cluster_ip == ""
    assert saved(site.database)["HACLUSTERIP"] == ""


def test_a_new_database_is_filled_in_for_it_and_one_that_was_made_anew_says_nothing(tmp_path: Path) -> None:
    site = Site(tmp_path, FRESH, ONLY_IPV6)
    assert {"HAPRINODE", "HASECNODE"} <= {change.key for change in site.follow().pushed}
    assert site.follow().view.problems == ()
    save(site.database, dict(FRESH))
    save(site.database, {"HAPRINODE": "", "HASECNODE": "", "HASYNCH": "LOOSE"})
    done = site.follow()
    assert done.pulled == () and load(site.conf).synch == "LAZY"
    assert "HAPRINODE or HASECNODE is blank in SARK" in done.view.problems[0]
    with pytest.raises(UserError, match="HAPRINODE or HASECNODE is blank"):
        site.keeper.pull(blank=True)
    site.keeper.push()
    assert site.follow().view.problems == ()


@pytest.mark.parametrize("address", ["2001:db8::5", "2001:db8::5/64", "fe80::1"])
def test_an_address_of_ipv6_in_sarks_own_column_is_wrong_and_named(tmp_path: Path, address: str) -> None:
    site = Site(tmp_path, {**FILLED, "HACLUSTERIP": address}, ONLY_IPV6)
    done = site.follow()
    assert done.pulled == () and load(site.conf).cluster_ip == ""
    assert any("HACLUSTERIP is" in problem and "HACLUSTERIP6" in problem for problem in done.view.problems)
