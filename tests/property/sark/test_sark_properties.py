"""Values go to SARK and come back the same; and who has changed what decides, for every history of both sides."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from appliance.config.schema import KEY_BY_NAME
from appliance.sark.reconcile import ADDRESS, SHARED, SettingVerdict, compare, settle, to_conf, to_sark

OCTETS = st.integers(1, 223).filter(lambda first: first != 127), *(st.integers(0, 255),) * 3
RIGHT = {
    "HACLUSTERIP": st.tuples(*OCTETS).map(lambda parts: ".".join(map(str, parts))),
    "HAPRINODE": st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True),
    "HASECNODE": st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True),
    "HASYNCH": st.sampled_from(["LAZY", "LOOSE"]),
    "HAUSECLUSTER": st.sampled_from(["YES", "NO"]),
    "HAAUTOFAILBACK": st.sampled_from(["on", "off"]),
    "RESTART": st.sampled_from(["YES", "NO"]),
    "RHINOSPF": st.sampled_from(["YES", "NO"]),
}
VALUES = st.fixed_dictionaries(RIGHT)
SPELLINGS = {
    True: ["YES", "yes", "Yes", "y", "on", "ON", "true", "1"],
    False: ["NO", "no", "n", "off", "OFF", "false", "0"],
}
KEYS = st.sampled_from(SHARED)


@given(VALUES)
def test_what_goes_to_sark_comes_back(values: dict[str, str]) -> None:
    for key, value in values.items():
        assert to_conf(key, to_sark(key, value)) == value


@given(KEYS, st.text(max_size=40))
def test_whatever_stands_in_sark_is_a_right_value_or_none_or_refused(key: str, raw: str) -> None:
    try:
        value = to_conf(key, raw)
    except ValueError as problem:
        assert str(problem)
        return
    if value is None:
        assert not raw.strip()
    else:
        parsed = KEY_BY_NAME[key].parse(value)
        assert KEY_BY_NAME[key].kind.render(parsed) == value, "one spelling of each value"
        assert to_conf(key, to_sark(key, value)) == value


@given(st.sampled_from(["HAUSECLUSTER", "HAAUTOFAILBACK", "RESTART", "RHINOSPF"]), st.booleans(), st.data())
def test_every_spelling_of_a_switch_is_understood(key: str, on: bool, data: st.DataObject) -> None:
    raw = data.draw(st.sampled_from(SPELLINGS[on])) + data.draw(st.sampled_from(["", " ", "\n"]))
    value = to_conf(key, raw)
    assert value is not None and KEY_BY_NAME[key].parse(value) is on


def _carried(
    conf: dict[str, str], row: dict[str, str | None], agreed: dict[str, str]
) -> tuple[SettingVerdict, ...]:
    """Carry out what follows, in place; the steps."""
    settings = compare(conf, row, agreed)
    for one in settings:
        if one.step is SettingVerdict.PULL and one.sark is not None:
            conf[one.key] = one.sark
        elif one.step is SettingVerdict.PUSH:
            row[one.key] = to_sark(one.key, one.conf)
    return tuple(one.step for one in settings)


@given(VALUES, st.sets(KEYS), st.sets(KEYS), VALUES, VALUES)
def test_what_one_side_has_changed_reaches_the_other_and_no_change_is_lost(
    start: dict[str, str], in_conf: set[str], in_sark: set[str], ours: dict[str, str], theirs: dict[str, str]
) -> None:
    conf = {**start, **{key: ours[key] for key in in_conf}}
    row: dict[str, str | None] = {**start, **{key: theirs[key] for key in in_sark}}
    _carried(conf, row, dict(start))
    for key in SHARED:
        conf_changed = key in in_conf and ours[key] != start[key]
        sark_changed = key in in_sark and theirs[key] != start[key]
        if conf_changed and sark_changed:
            assert (conf[key], row[key]) == (ours[key], theirs[key]), "neither is lost"
        else:
            wanted = ours[key] if conf_changed else theirs[key] if sark_changed else start[key]
            assert (conf[key], row[key]) == (wanted, wanted)


@given(VALUES, VALUES, VALUES | st.just({}))
def test_a_second_pass_finds_nothing_to_do(
    ours: dict[str, str], theirs: dict[str, str], agreed: dict[str, str]
) -> None:
    conf, row = dict(ours), dict[str, str | None](theirs)
    _carried(conf, row, agreed)
    again = _carried(conf, row, settle(conf, row, agreed))
    assert set(again) <= {SettingVerdict.AGREED, SettingVerdict.CONFLICT}


@given(VALUES, st.fixed_dictionaries({key: st.none() | st.text(max_size=5) for key in SHARED}), VALUES)
def test_a_row_without_a_cluster_address_moves_nothing(
    ours: dict[str, str], row: dict[str, str | None], agreed: dict[str, str]
) -> None:
    row = {**row, ADDRESS: None}
    assert not {SettingVerdict.PULL, SettingVerdict.PUSH, SettingVerdict.CONFLICT} & set(
        _carried(dict(ours), row, agreed)
    )
    assert SettingVerdict.PULL not in _carried(dict(ours), dict(row), {}), "not even at the first meeting"
