"""Names of storeys."""

import pytest

from custom_components.enos.storeys import storey


@pytest.mark.parametrize(
    ("name", "level"),
    [
        ("12F", 12), ("12 f", 12), ("F3", 3), ("Floor 3", 3), ("floor-03", 3), ("L2", 2),
        ("Level 2", 2), ("2nd floor", 2), ("3rd Level", 3), ("12/F", 12), ("G/F", 0),
        ("Ground floor", 0), ("Ground", 0), ("GF", 0), ("First Floor", 1), ("tenth storey", 10),
        ("B1", -1), ("B2F", -2), ("Basement", -1), ("Basement 2", -2), ("Level B1", -1),
        ("P3", -3), ("LG1", -1), ("Lower ground", -1), ("Roof", None), ("RF", None),
        ("Mezzanine", None), ("Top floor", None), ("3层", 3), ("三楼", 3), ("十二层", 12),
        ("二十一层", 21), ("第十层", 10), ("一二层", 12), ("地下一层", -1), ("负2层", -2),
        ("地下室", -1), ("地上3层", 3), ("首层", 1), ("屋顶", None), ("设备层", None),
        ("１２Ｆ", 12), ("٣F", 3),
    ],
)  # fmt: skip
def test_storeys(name: str, level: int | None) -> None:
    """Names of storeys and their levels."""
    assert storey(name) == (True, level)


@pytest.mark.parametrize(
    "name",
    [
        "", "East", "Tower B", "A座", "3号楼", "三号楼", "1", "FCU 3F East", "3F East", "Room 12",
        "Building 3", "Lobby", "Floor", "Freezer", "Block B1 East", "园区", "会议室", "层",
    ],
)  # fmt: skip
def test_no_storeys(name: str) -> None:
    """Names of anything else."""
    assert storey(name) == (False, None)
