"""Each mistake in a profile's file is told with its line; no file does harm."""

from typing import Final

from hypothesis import given, strategies as st
import pytest

from custom_components.enos.profile import write
from custom_components.enos.profile_read import read
from custom_components.enos.profile_yaml import MAX_SIZE, FileError

from .points import patient
from .test_profile import EMPTY, FULL, HEAD, KNOWN, found_in, mistakes

MISTAKES: Final[list[tuple[str, tuple[int, str, str]]]] = [
    ("", (1, "", "file_no_profile")),
    ("just a text", (1, "", "file_no_profile")),
    ("- enos_profile: 1", (1, "", "file_no_profile")),
    ("points: {}", (1, "", "file_no_profile")),
    ("# x\nenos_profile: 2", (2, "enos_profile", "file_version")),
    ("enos_profile: [1]", (1, "enos_profile", "file_version")),
    ("enos_profile: 1\npionts: {}", (2, "pionts", "file_key_unknown")),
    ("enos_profile: 1\npoints: 5", (2, "points", "file_needs_block")),
    ("enos_profile: 1\nmodel: {}", (2, "model", "file_needs_text")),
    ("enos_profile: 1\n? \n: 5", (2, "", "file_needs_key")),
    (HEAD + "  sp:\n    minimun: 5", (4, "points.sp.minimun", "file_key_unknown")),
    (HEAD + "  sp:\n    name:", (4, "points.sp.name", "file_needs_value")),
    (HEAD + "  sp:\n    name: [x]", (4, "points.sp.name", "file_needs_text")),
    (HEAD + "  sp: sensor", (3, "points.sp", "file_needs_block")),
    (HEAD + "  sp:\n  sp:", (4, "points.sp", "file_key_twice")),
    (
        HEAD + "  sp:\n    name: a\n    unit: K\n    name: b",
        (6, "points.sp.name", "file_key_twice"),
    ),
    (HEAD + "  spp: {use: sensor}", (3, "points.spp", "file_point_unknown")),
    (HEAD + "  sp:\n    use: write", (4, "points.sp.use", "value_not_among")),
    (HEAD + "  sp:\n    kind: dial", (4, "points.sp.kind", "value_not_among")),
    (
        HEAD + "  sp:\n    minimum: low",
        (4, "points.sp.minimum", "file_needs_number"),
    ),
    (
        HEAD + "  sp:\n    minimum: .nan",
        (4, "points.sp.minimum", "file_needs_number"),
    ),
    (
        HEAD + "  sp:\n    minimum: 1e999",
        (4, "points.sp.minimum", "file_needs_number"),
    ),
    (
        HEAD + "  sp:\n    minimum: 1:30",
        (4, "points.sp.minimum", "file_needs_number"),
    ),
    (
        HEAD + "  sp:\n    use: control\n    minimum: 5\n    maximum: 5",
        (6, "points.sp.maximum", "minimum_not_below"),
    ),
    (
        HEAD + "  sp:\n    use: sensor\n    unit: kWh\n    device_class: power",
        (6, "points.sp.device_class", "class_refuses_unit"),
    ),
    (
        HEAD + "  mode:\n    options:\n      0: A\n      1: a",
        (6, "points.mode.options.1", "label_twice"),
    ),
    (
        HEAD + "  mode:\n    labels:\n      0: A\n      7: B",
        (6, "points.mode.labels.7", "code_unknown"),
    ),
    (
        HEAD + "  mode:\n    labels:\n      0: A\n      1: a",
        (6, "points.mode.labels.1", "label_twice"),
    ),
    (
        HEAD + "  mode:\n    labels:\n      0: unknown",
        (5, "points.mode.labels.0", "label_reserved"),
    ),
    (
        HEAD + "  mode:\n    labels: []",
        (4, "points.mode.labels", "file_needs_block"),
    ),
    (HEAD + "  pv:\n    use: control", (4, "points.pv.use", "file_not_writable")),
    (
        HEAD + '  "pv#delta":\n    use: control',
        (4, "points.pv#delta.use", "file_item_not_writable"),
    ),
    (HEAD + "  odd:\n    use: sensor", (4, "points.odd.use", "file_not_readable")),
    (
        HEAD + "  new:\n    described: {data_type: ENUM}\n    use: control",
        (5, "points.new.use", "file_codes_missing"),
    ),
    (
        HEAD + "  new:\n    described: {name: x}",
        (4, "points.new.described", "file_type_missing"),
    ),
    (
        HEAD + "  new:\n    described:\n      data_type: LONG",
        (5, "points.new.described.data_type", "value_not_among"),
    ),
    (
        HEAD + "  sp:\n    declared:\n      writable: maybe",
        (5, "points.sp.declared.writable", "value_not_among"),
    ),
    (
        HEAD + "  sp:\n    declared: {minimum: 9, maximum: 5}",
        (4, "points.sp.declared", "minimum_not_below"),
    ),
    (
        HEAD + "  sp:\n    use: control\n    step: 9\n"
        "    declared: {minimum: 0, maximum: 8}",
        (5, "points.sp.step", "step_too_large"),
    ),
    ("enos_profile: 1\nservices: reset", (2, "services", "file_needs_list")),
    (
        "enos_profile: 1\nservices:\n- rest",
        (3, "services.rest", "file_service_unknown"),
    ),
    (
        "enos_profile: 1\nservices:\n- reset\n- reset",
        (4, "services.reset", "file_service_twice"),
    ),
    (
        "enos_profile: 1\ncommands:\n  timeout: 61",
        (3, "commands.timeout", "file_needs_whole"),
    ),
    (
        "enos_profile: 1\ncommands:\n  timeout: 1.5",
        (3, "commands.timeout", "file_needs_whole"),
    ),
    (
        "enos_profile: 1\ncommands:\n  when_offline: wait",
        (3, "commands.when_offline", "value_not_among"),
    ),
    (
        "enos_profile: 1\ndevices:\n  dev3: {}",
        (3, "devices.dev3", "file_device_unknown"),
    ),
    (
        "enos_profile: 1\ndevices:\n  dev1:\n    points:\n      no: {name: x}",
        (5, "devices.dev1.points.no", "file_point_unknown"),
    ),
    (
        "enos_profile: 1\ndevices:\n  dev1:\n    points:\n      sp: {use: sensor}",
        (5, "devices.dev1.points.sp.use", "file_key_unknown"),
    ),
    (
        HEAD
        + "  sp: {use: control, maximum: 5}\ndevices:\n  dev1:\n    points:\n"
        + "      sp:\n        minimum: 9",
        (7, "devices.dev1.points.sp.maximum", "minimum_not_below"),
    ),
    ("enos_profile: 1\nmodel: a: b", (2, "", "file_no_yaml")),
    ("enos_profile: 1\npoints:\n\tsp: {}", (3, "", "file_tab")),
    ("enos_profile: 1\nmodel: 'x\nproduct: y\n", (2, "", "file_no_yaml")),
    ("enos_profile: 1\n---\nenos_profile: 1", (2, "", "file_second_document")),
    ("enos_profile: 1\nmodel: &a x", (2, "", "file_anchor")),
    ("enos_profile: 1\nmodel: !secret key", (2, "", "file_tag")),
    ("enos_profile: 1\nmodel: !!python/name:os.system x", (2, "", "file_tag")),
    ("enos_profile: 1\n? [a]\n: b", (2, "", "file_odd_key")),
]


@pytest.mark.parametrize(("text", "expected"), MISTAKES)
def test_mistakes(text: str, expected: tuple[int, str, str]) -> None:
    """Each mistake is found in its line."""
    assert mistakes(text) == [expected]


def test_mistakes_have_texts() -> None:
    """Placeholders name what was meant."""
    with pytest.raises(FileError) as raised:
        read(HEAD + "  swich:\n    nmae: x\n", KNOWN, EMPTY, "en")
    unknown_point, unknown_key = raised.value.problems
    assert unknown_point.placeholders["known"].split(", ")[0] == "switch"
    assert unknown_key.placeholders["known"].split(", ")[0] == "name"


def test_all_at_once() -> None:
    """All mistakes are told, in the order of the lines."""
    text = (
        HEAD + "  a: {}\n  sp:\n    minimum: x\n    maximum: y\nservices: [b]\nz: 1\n"
    )
    assert [line for line, _, _ in mistakes(text)] == [3, 5, 6, 7, 8]


def test_hostile() -> None:
    """Files made to do harm are refused at once."""
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n"
        for old, new in zip("abcdefgh", "bcdefghi", strict=True)
    )
    assert mistakes(bomb) == [(1, "", "file_anchor")]
    assert mistakes(b"x" * 10_000_000) == [(1, "", "file_too_large")]
    assert mistakes("ä" * (MAX_SIZE // 2 + 1)) == [(1, "", "file_too_large")]
    assert mistakes(bytes(range(256))) == [(3, "", "file_no_text")]
    assert mistakes("enos_profile: 1\nname: \x00") == [(2, "", "file_no_text")]
    assert mistakes(b"enos_profile: 1\n" + b"a: \xff") == [(2, "", "file_no_text")]
    assert mistakes("[" * 100_000) == [(1, "", "file_too_deep")]
    assert mistakes("{a: " * 100_000) == [(1, "", "file_too_deep")]
    assert mistakes("[" + "1," * 500_000) == [(1, "", "file_too_deep")]


@patient
@given(content=st.one_of(st.binary(), st.text()))
def test_any_file(content: str | bytes) -> None:
    """No file breaks anything."""
    with pytest.raises(FileError):
        read(content, KNOWN, EMPTY, "en")


@patient
@given(at=st.integers(0, 900), letter=st.sampled_from("\t:#'\"[]{}&*!|-? 0x\n"))
def test_any_slip(at: int, letter: str) -> None:
    """A slip in a good file is either harmless or told with a line of the file."""
    text = write(FULL, KNOWN, "en")
    text = text[: at % len(text)] + letter + text[at % len(text) + 1 :]
    lines = text.count("\n") + 1
    assert all(1 <= line <= lines for line, _, _ in found_in(text))
