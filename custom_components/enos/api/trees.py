"""From EnOS's asset trees to the types of `models`, whatever state they are in.

EnOS tells a tree as paths. Names can be missing, nodes invalid, and what the documentation
rules out - an asset with two parents, a path that comes back to itself - must not harm.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from .models import AssetTree, TreeNode
from .parsing import localized

_DEVICE: Final = "0"
_LOGICAL: Final = "1"

type Assets = dict[str, Mapping[str, Any]]
type Path = tuple[str, ...]


def tree(data: Mapping[str, Any]) -> AssetTree | None:
    """Return a tree of which only the root is known yet, None where it has no id."""
    tree_id = data.get("treeId")
    if not isinstance(tree_id, str) or not tree_id:
        return None
    root = data.get("asset")
    asset_id = root.get("assetId") if isinstance(root, dict) else None
    nodes: dict[str, TreeNode] = {}
    if isinstance(root, dict) and isinstance(asset_id, str) and asset_id:
        nodes[asset_id] = _node(asset_id, root, None, inner=True)
    name = localized(data.get("name"))
    return AssetTree(tree_id=tree_id, name=name, nodes=nodes)


def page(data: object) -> tuple[Assets, list[Path]]:
    """Return the assets of a page of paths by id, and the paths."""
    fields = data if isinstance(data, dict) else {}
    assets, paths = fields.get("assets"), fields.get("assetPaths")
    return (
        {
            asset_id: asset
            for asset_id, asset in (assets if isinstance(assets, dict) else {}).items()
            if isinstance(asset, dict)
        },
        [
            tuple(
                asset_id for asset_id in way if isinstance(asset_id, str) and asset_id
            )
            for way in (paths if isinstance(paths, list) else ())
            if isinstance(way, list)
        ],
    )


def grown(root: AssetTree, assets: Assets, paths: Iterable[Path]) -> AssetTree:
    """Return a tree with all nodes that its paths name; their order does not matter.

    An asset below others is where its shortest path has it, so that nothing is above itself;
    one at the end of paths where the longest has it, which is the most exact.
    """
    above = _ways(paths)
    inner = {asset_id for way in above.values() for asset_id in way}
    nodes = dict(root.nodes)
    for asset_id, way in above.items():
        parent = way[-1] if way else None
        if parent is None and asset_id in nodes:
            continue
        nodes[asset_id] = _node(
            asset_id, assets.get(asset_id, {}), parent, inner=asset_id in inner
        )
    return AssetTree(tree_id=root.tree_id, name=root.name, nodes=nodes)


def _ways(paths: Iterable[Path]) -> dict[str, Path]:
    """Return for each asset what is above it, from the root."""
    known = {way[:length] for way in paths for length in range(1, len(way) + 1)}
    inner = {asset_id for way in known for asset_id in way[:-1]}
    found: dict[str, Path] = {}
    for way in sorted(known, key=lambda way: (len(way), way)):
        asset_id = way[-1]
        before = found.get(asset_id)
        if before is None or (asset_id not in inner and len(before) < len(way) - 1):
            found[asset_id] = way[:-1]
    return found


def _node(
    asset_id: str, data: Mapping[str, Any], parent: str | None, *, inner: bool
) -> TreeNode:
    """Return a node; without a label, `inner` tells whether it is a place."""
    label = str(data.get("label"))
    return TreeNode(
        asset_id=asset_id,
        name=localized(data.get("name")),
        is_device=label == _DEVICE or (label != _LOGICAL and not inner),
        is_valid=str(data.get("inValid")).lower() not in ("true", "1"),
        parent=parent,
    )
