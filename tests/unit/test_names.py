"""Names of points and devices: the language, the line, the length, and what is left out."""

from typing import Final

from hypothesis import given, strategies as st
import pytest

from custom_components.enos.api.models import MAX_NAME, LocalizedText
from custom_components.enos.mapping import option_labels
from custom_components.enos.names import own_names, without_owner

from .points import patient, point

FULL: Final = LocalizedText(
    "供水温度",
    {
        "zh_CN": "供水温度",
        "zh_TW": "供水溫度",
        "en_US": "Supply temperature",
        "de_DE": "Vorlauftemperatur",
        "ja_JP": "給水温度",
        "fr_FR": "Température de départ",
    },
)
# As most models in China are: nobody filled in the other languages.
CHINESE: Final = LocalizedText("供水温度", {"zh_CN": "供水温度", "en_US": ""})
BOTH: Final = LocalizedText("供水温度", {"zh_CN": "", "en_US": "Supply temperature"})
ENGLISH: Final = LocalizedText("Supply temperature", {"zh_CN": " ", "en_US": ""})
NO_DEFAULT: Final = LocalizedText("", {"zh_CN": "供水温度", "en_US": "Supply"})
ONLY_CHINESE: Final = LocalizedText("", {"zh_CN": "供水温度", "en_US": "\t"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            FULL,
            {
                "de": "Vorlauftemperatur",
                "en": "Supply temperature",
                "zh-Hans": "供水温度",
                "zh-Hant": "供水溫度",
                "ja": "給水温度",
                "fr": "Température de départ",
                "ru": "Supply temperature",
                "ko": "供水温度",
            },
        ),
        (
            CHINESE,
            dict.fromkeys(("de", "en", "zh-Hans", "zh-Hant", "ja", "fr"), "供水温度"),
        ),
        (
            BOTH,
            dict.fromkeys(("de", "en", "fr", "ru", "ar"), "Supply temperature")
            | dict.fromkeys(("zh-Hans", "zh-Hant", "ja", "ko"), "供水温度"),
        ),
        (
            ENGLISH,
            dict.fromkeys(("de", "en", "zh-Hans", "ja"), "Supply temperature"),
        ),
        (
            NO_DEFAULT,
            dict.fromkeys(("de", "en", "fr", "ja"), "Supply")
            | dict.fromkeys(("zh-Hans", "zh-Hant"), "供水温度"),
        ),
        (ONLY_CHINESE, dict.fromkeys(("de", "zh-Hans", "ja"), "供水温度")),
        (LocalizedText(" ", {"en_US": ""}), {"de": "", "en": "", "zh-Hans": ""}),
        # A default in the reader's own letters is no worse than English.
        (
            LocalizedText("Zulufttemperatur", {"en_US": "Supply", "zh_CN": "温度"}),
            {"de": "Zulufttemperatur", "fr": "Zulufttemperatur", "en": "Supply"},
        ),
        (
            LocalizedText("CO₂浓度", {"en_GB": "CO₂"}),
            {"de": "CO₂", "zh-Hans": "CO₂浓度"},
        ),
        (LocalizedText("温度", {"ja_JP": "温度計", "fr_FR": "T"}), {"de": "温度"}),
        (LocalizedText("온도", {"en_US": "Temperature"}), {"de": "Temperature"}),
        (LocalizedText("℃", {"en_US": "Temperature"}), {"de": "℃"}),
    ],
)
def test_language(text: LocalizedText, expected: dict[str, str]) -> None:
    """The reader's language, else the default; English where that cannot be read."""
    assert {language: text.get(language) for language in expected} == expected


@pytest.mark.parametrize(
    ("language", "locales", "best"),
    [
        ("zh-Hans", "zh_TW zh_SG zh_CN", "zh_CN"),
        ("zh-Hans", "zh_TW zh-Hans zh_CN", "zh-Hans"),
        ("zh-Hans", "zh_TW en_US", "zh_TW"),
        ("zh-Hant", "zh_CN zh_HK", "zh_HK"),
        ("zh-Hant", "zh zh_Hant_TW", "zh_Hant_TW"),
        ("zh-Hant", "en_US zh_CN", "zh_CN"),
        ("pt-BR", "pt_PT pt_BR", "pt_BR"),
        ("pt-BR", "pt_PT pt", "pt"),
        ("pt", "pt_BR pt_PT", "pt_PT"),
        ("en", "en_AU en_US", "en_US"),
        ("en", "en_US en", "en"),
        ("en-GB", "en_US EN-gb", "EN-gb"),
        ("en-GB", "en_AU en_US", "en_US"),
        ("es-419", "es_ES es-419", "es-419"),
        ("de", "en_US de_AT", "de_AT"),
        ("de", "deu_DE de-CH de_DE", "de_DE"),
        ("sr-Latn", "sr_RS sr_Latn_RS", "sr_Latn_RS"),
        # Old and other codes of the same language.
        ("id", "en_US in_ID", "in_ID"),
        ("nb", "en_US no_NO", "no_NO"),
    ],
)
def test_nearest_locale(language: str, locales: str, best: str) -> None:
    """Country and script as near as there is, whatever the order."""
    names = locales.split()
    for order in (names, names[::-1]):
        text = LocalizedText("default", {locale: locale for locale in order})
        assert text.get(language) == best


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        (" Supply \n  temperature\t", "Supply temperature"),
        ("供水\u3000\u3000温度", "供水 温度"),
        ("Supply\u200b\ufeff temperature\0", "Supply temperature"),
        ("\u202eerutarepmet", "erutarepmet"),
        ("caf\u00e9\u00a0 1", "café 1"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("x" * MAX_NAME, "x" * MAX_NAME),
        ("x" * 200, "x" * (MAX_NAME - 1) + "…"),
        ("ab " * 50, "ab " * 32 + "ab…"),
        ("温" * 101, "温" * 99 + "…"),
        ("\u200b", ""),
    ],
)
def test_cleaned(raw: str, clean: str) -> None:
    """One line without double blanks and what nobody sees, of some hundred characters."""
    assert LocalizedText(raw).get("en") == clean
    assert LocalizedText("d", {"en": raw}).get("en") == (clean or "d")


def test_labels_are_not_cut() -> None:
    """Two long labels that end differently stay two."""
    long = "x" * 120
    model = point(
        data_type="ENUM",
        enum={"1": LocalizedText(f"{long}a"), "2": LocalizedText(f"{long}b")},
    )
    assert option_labels(model, "en") == {"1": f"{long}a", "2": f"{long}b"}


@pytest.mark.parametrize(
    ("name", "owner", "left"),
    [
        ("FCU 3 Supply temperature", "FCU 3", "Supply temperature"),
        ("fcu 3 supply temperature", "FCU 3", "supply temperature"),
        ("FCU 3: Supply", "FCU 3", "Supply"),
        ("FCU 3 - Supply", "FCU 3", "Supply"),
        ("FCU-3_Supply", "FCU-3", "Supply"),
        ("FCU 3/Supply", "FCU 3", "Supply"),
        ("FCU 3 (Supply)", "FCU 3", "(Supply)"),
        ("冷机1 供水温度", "冷机1", "供水温度"),
        ("冷机1供水温度", "冷机1", "供水温度"),
        ("冷机1：供水温度", "冷机1", "供水温度"),
        ("冷机COP", "冷机", "COP"),
        # The number goes on, or the word may.
        ("FCU 30 Supply", "FCU 3", "FCU 30 Supply"),
        ("FCU 3.5 Supply", "FCU 3", "FCU 3.5 Supply"),
        ("FCU 3-1 Supply", "FCU 3", "FCU 3-1 Supply"),
        ("FCU 3a Supply", "FCU 3", "FCU 3a Supply"),
        ("Pumps on", "Pump", "Pumps on"),
        ("空调箱温度", "空调", "空调箱温度"),
        ("冷机12供水", "冷机1", "冷机12供水"),
        ("冷机1供水", "冷机", "冷机1供水"),
        # The sign belongs to what is left.
        ("Rack 3 -5 V supply", "Rack 3", "-5 V supply"),
        ("Rack 3: 5 V supply", "Rack 3", "5 V supply"),
        # Nothing that could be called a name is left.
        ("FCU 3", "FCU 3", "FCU 3"),
        ("FCU 3 ", "FCU 3", "FCU 3 "),
        ("FCU 3: 1", "FCU 3", "FCU 3: 1"),
        ("FCU 3 –", "FCU 3", "FCU 3 –"),
        ("Supply", "FCU 3", "Supply"),
        ("Supply", "", "Supply"),
        ("The FCU 3 Supply", "FCU 3", "The FCU 3 Supply"),
    ],
)
def test_device_left_out(name: str, owner: str, left: str) -> None:
    """A point does not repeat the name of its device, where that is beyond doubt."""
    assert without_owner(name, (owner,)) == left


def test_longest_owner() -> None:
    """Of device and product the longer name goes, and only once."""
    owners = ("FCU", "FCU 3")
    assert without_owner("FCU 3 Supply", owners) == "Supply"
    assert without_owner("FCU Supply", owners) == "Supply"
    assert without_owner("FCU FCU 3 Supply", owners) == "FCU 3 Supply"


@patient
@given(st.text(), st.lists(st.text(), max_size=3))
def test_never_empty(name: str, owners: list[str]) -> None:
    """Whatever is left out, a part of the name stays."""
    left = without_owner(name, owners)
    assert name.endswith(left)
    assert bool(left) == bool(name)


def test_equal_names() -> None:
    """All points of a name tell their identifiers, whichever was chosen first."""
    names = {"t1": "Temp", "t2": "temp", "t3": "Other"}
    assert own_names(names) == {"t1": "Temp (t1)", "t2": "temp (t2)", "t3": "Other"}
    assert own_names({"a": "Temp", "b": "Temp", "c": "Temp (a)"}) == {
        "a": "Temp (a) (a)",
        "b": "Temp (b)",
        "c": "Temp (a) (c)",
    }


@patient
@given(
    st.dictionaries(
        st.text("ab()1 ", min_size=1, max_size=3), st.sampled_from(("x", "y", "x (a)"))
    )
)
def test_names_differ(names: dict[str, str]) -> None:
    """No two points of a device have one name, and the order does not matter."""
    found = own_names(names)
    assert len({*found.values()}) == len(names)
    assert own_names(dict(reversed(names.items()))) == found
