"""The asset tree service: which device stands in which room."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .calls import Call, Endpoint, Result
from .commands import local_time
from .expressions import Getter, compile_expression, field as search_field
from .listing import known_fields, project, read_page, read_projection
from .points import JsonObject, i18n
from .refusals import Denied, InvalidArgument, NotFound, Refusal

if TYPE_CHECKING:
    from .simulator import Simulator

BASE = "/asset-tree-service/v2.1"
TREE_READ = "Asset Tree Management: Read"
ASSET_READ = "Asset: Read"
DEFAULT_PAGE, LARGEST_PAGE = 100, 1000
MOST_ASSETS = 100
RELATIONS = (
    "isParentOfAssetId",
    "isChildOfAssetId",
    "isAncestorOfAssetId",
    "isDescendantOfAssetId",
)


@dataclass(slots=True)
class Node:
    """An asset in the tree."""

    struct: JsonObject
    parent: Node | None
    device_key: str = ""
    product_key: str = ""
    create_time: int = 0
    children: list[Node] = field(default_factory=list)

    @property
    def asset_id(self) -> str:
        """Return the id of the asset."""
        return str(self.struct["assetId"])

    def ancestors(self) -> Iterator[Node]:
        """Yield what is above, the nearest first."""
        node = self.parent
        while node is not None:
            yield node
            node = node.parent

    def descendants(self) -> Iterator[Node]:
        """Yield what is below."""
        for child in self.children:
            yield child
            yield from child.descendants()

    def path(self) -> list[Node]:
        """Return the way from the root."""
        return [*reversed(list(self.ancestors())), self]


def asset_struct(sim: Simulator, asset_id: str) -> JsonObject | None:
    """Return an asset, device or not, as the asset service shows it."""
    device = sim.devices.get(asset_id)
    if device is not None:
        name, model_id, tags = device.name, device.model_id, device.tags
        zone, attributes = device.timezone, {"manufacturer": "Acme"}
    else:
        building = sim.building
        place = building.places.get(asset_id) or building.systems.get(asset_id)
        if place is None:
            return None
        name, model_id, tags = place.name, place.model_id, place.tags
        zone, attributes = "+08:00", {}
    model = sim.models.get(model_id, {})
    return {
        "assetId": asset_id,
        "orgId": sim.org_id,
        "name": name,
        "description": "",
        "attributes": attributes,
        "timezone": zone,
        "modelId": model_id,
        "modelIdPath": model.get("modelIdPath", f"/{model_id}"),
        "tags": tags,
    }


class Tree:
    """A tree: campus, buildings, floors, rooms, devices; or devices by what they do."""

    def __init__(self, sim: Simulator, *, systems: bool = False) -> None:
        """Gather everything into a tree."""
        building = sim.building
        self.generation = sim.generation
        self.tree_id = building.systems_tree_id if systems else building.tree_id
        self.name = i18n("Systems", "系统") if systems else i18n("Space", "空间")
        self.tags = {"purpose": "systems" if systems else "space"}
        self.nodes: dict[str, Node] = {}
        self._sim = sim
        places = list(building.systems.values() if systems else sim.places())
        for place in places:
            self._add(place.asset_id, place.parent_id, "1")
        for device in sim.devices.values():
            parent_id = device.parent_id
            if systems:
                parent_id = building.text_id(f"systems:{device.kind.key}")
            node = self._add(device.asset_id, parent_id, "0")
            node.product_key = device.product_key
            node.device_key = device.device_key
            node.create_time = device.create_time
        self.root = self.nodes[places[0].asset_id]
        # Depth first, so that lists and paths have a stable order.
        self.ordered = [self.root, *self.root.descendants()]
        # The first tree holds on to the other one.
        self.more = (
            [Tree(sim, systems=True)] if building.systems and not systems else []
        )

    def _add(self, asset_id: str, parent_id: str | None, label: str) -> Node:
        struct = asset_struct(self._sim, asset_id) or {}
        struct["desc"] = struct.pop("description", "")
        struct["label"] = label
        struct["inValid"] = asset_id in self._sim.building.invalid
        parent = self.nodes[parent_id] if parent_id else None
        node = self.nodes[asset_id] = Node(struct, parent)
        if parent is not None:
            parent.children.append(node)
        return node

    def struct(self) -> JsonObject:
        """Return the tree as the service shows it."""
        return {
            "treeId": self.tree_id,
            "name": self.name,
            "tags": self.tags,
            "asset": self.root.struct,
        }


def _trees(sim: Simulator) -> list[Tree]:
    """Return the trees, built anew when something changed."""
    if sim.tree is None or sim.tree.generation != sim.generation:
        sim.tree = Tree(sim)
    return [sim.tree, *sim.tree.more]


def _named_tree(sim: Simulator, call: Call) -> Tree:
    for tree in _trees(sim):
        if call.params["treeId"] == tree.tree_id:
            return tree
    raise Refusal(17404, "The tree does not exist")


def _of_struct(name: str) -> Getter:
    return lambda node, _: node.struct[name]


def _constant(value: str) -> Getter:
    return lambda _thing, _path: value


def _root_model(node: Node, _: str) -> str:
    return str(node.struct["modelIdPath"]).split("/")[1]


def _created(node: Node, _: str) -> str:
    return local_time(node.create_time, "+08:00").strftime("%Y-%m-%d %H:%M:%S")


def _names(node: Node, path: str) -> tuple[str, ...]:
    name = node.struct["name"]
    locale = path.partition(".")[2]
    if locale:
        return (name["i18nValue"].get(locale) or "",)
    return (name["defaultValue"], *name["i18nValue"].values())


NODE_FIELDS = {
    "assetIds": search_field("= in", _of_struct("assetId")),
    "modelIds": search_field("= in", _of_struct("modelId")),
    "rootModelIds": search_field("= in", _root_model),
    "name": search_field("like", _names),
    "name.*": search_field("like", _names),
    "productKey": search_field("= like", lambda node, _: node.product_key),
    "deviceKey": search_field("= like", lambda node, _: node.device_key),
    "createTime": search_field("= > <", _created),
    "tags.*": search_field(
        "= exists not exists",
        lambda node, path: node.struct["tags"].get(path.partition(".")[2]),
    ),
}
TREE_FIELDS = {
    "tags.*": search_field(
        "= exists not exists",
        lambda tree, path: tree.tags.get(path.partition(".")[2]),
    ),
}


def _listing(sim: Simulator, call: Call, things: list[Any], *, nodes: bool) -> Result:
    page = read_page(
        call.body.get("pagination"),
        default=DEFAULT_PAGE,
        largest=LARGEST_PAGE,
        clamp=sim.guesses.G11 == "clamp",
    )
    trie = read_projection(call.body.get("projection"))
    data = [
        project(thing.struct if nodes else thing.struct(), trie)
        for thing in page.of(things)
    ]
    return Result(data, page.pagination(len(things)))


async def tree_search(sim: Simulator, call: Call) -> Result:
    """Answer asset-trees?action=search."""
    known_fields(call.body, "expression", "pagination", "projection")
    wanted = compile_expression(call.body.get("expression"), TREE_FIELDS)
    trees = [tree for tree in _trees(sim) if wanted is None or wanted(tree)]
    return _listing(sim, call, trees, nodes=False)


async def tree_get(sim: Simulator, call: Call) -> Result:
    """Answer asset-trees?action=get."""
    return Result(_named_tree(sim, call).struct())


async def node_search(sim: Simulator, call: Call) -> Result:
    """Answer asset-nodes?action=searchAsset."""
    known_fields(call.body, "expression", "pagination", "projection")
    found: dict[str, Node] = {}
    for tree in _trees(sim):
        fields = {
            **NODE_FIELDS,
            "treeId": search_field("= in", _constant(tree.tree_id)),
        }
        wanted = compile_expression(call.body.get("expression"), fields)
        for node in tree.ordered:
            if wanted is None or wanted(node):
                found.setdefault(node.asset_id, node)
    nodes = list(found.values())
    return _listing(sim, call, nodes, nodes=True)


def _strings(raw: JsonObject, name: str) -> set[str] | None:
    value = raw.get(name)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise InvalidArgument(name, "  must be a list of strings")
    return set(value)


def _matches(node: Node, raw: JsonObject) -> bool:
    """Tell whether a node fits the lists of a filter."""
    for name, value in (
        ("assetIds", node.asset_id),
        ("modelIds", node.struct["modelId"]),
        ("rootModelIds", _root_model(node, "")),
    ):
        wanted = _strings(raw, name)
        if wanted is not None and value not in wanted:
            return False
    return True


async def node_related(sim: Simulator, call: Call) -> Result:
    """Answer asset-nodes?action=searchRelatedAsset."""
    tree = _named_tree(sim, call)
    known_fields(call.body, "filter", "pagination", "projection")
    raw = call.body.get("filter")
    if not isinstance(raw, dict):
        raise InvalidArgument("filter", "filter is missing")
    known_fields(raw, *RELATIONS, "assetIds", "modelIds", "rootModelIds", "nameLike")
    relations = [name for name in RELATIONS if name in raw]
    if len(relations) != 1:
        raise InvalidArgument("filter", f"  needs exactly one of {RELATIONS}")
    relation = relations[0]
    origin = tree.nodes.get(raw[relation]) if isinstance(raw[relation], str) else None
    if origin is None:
        raise NotFound("asset does not exist in the tree")
    related: list[Node]
    if relation == "isChildOfAssetId":
        related = origin.children
    elif relation == "isDescendantOfAssetId":
        related = list(origin.descendants())
    elif relation == "isParentOfAssetId":
        related = list(origin.ancestors())[:1]
    else:
        related = list(origin.ancestors())
    like = raw.get("nameLike")
    if like is not None:
        if not isinstance(like, dict) or not isinstance(like.get("value"), str):
            raise InvalidArgument("nameLike", "  needs locale and value")
        known_fields(like, "locale", "value")
        path = f"name.{like['locale']}" if like.get("locale") else "name"
        related = [
            node
            for node in related
            if any(like["value"] in text for text in _names(node, path))
        ]
    nodes = [node for node in related if _matches(node, raw)]
    return _listing(sim, call, nodes, nodes=True)


async def node_trees(sim: Simulator, call: Call) -> Result:
    """Answer asset-nodes?action=getAssetTree."""
    known_fields(call.body, "assetIds")
    wanted = call.body.get("assetIds")
    if (
        not isinstance(wanted, list)
        or not wanted
        or not all(isinstance(asset_id, str) for asset_id in wanted)
    ):
        raise InvalidArgument("assetIds", "  must be a list of ids")
    if len(wanted) > MOST_ASSETS:
        raise InvalidArgument("assetIds", f"  must not be over {MOST_ASSETS}")
    trees = _trees(sim)
    return Result(
        {
            asset_id: [tree.struct() for tree in trees if asset_id in tree.nodes]
            for asset_id in wanted
        }
    )


def _end(call: Call, name: str) -> JsonObject | None:
    raw = call.body.get(name)
    if raw is None:
        return None
    if not isinstance(raw, dict):
        raise InvalidArgument(name, "  must be an object")
    known_fields(raw, "assetIds", "modelIds", "rootModelIds")
    return raw


def _path_starts(way: list[Node], start: JsonObject | None) -> Iterator[int]:
    """Yield where on the way from the root a path may start; it has two nodes at least."""
    for position, origin in enumerate(way[:-1]):
        if position == 0 if start is None else _matches(origin, start):
            yield position


async def path_search(sim: Simulator, call: Call) -> Result:
    """Answer asset-paths?action=search; pages are counted in paths.

    Without `from` a path starts at the root, without `to` it ends at a leaf.
    """
    tree = _named_tree(sim, call)
    known_fields(call.body, "from", "to", "pathProjection", "pagination", "projection")
    start, end = _end(call, "from"), _end(call, "to")
    form = call.body.get("pathProjection", "COMPLETE")
    if form not in ("COMPLETE", "END_NODE_ONLY"):
        raise InvalidArgument("pathProjection", "  COMPLETE or END_NODE_ONLY")
    page = read_page(
        call.body.get("pagination"),
        default=DEFAULT_PAGE,
        largest=LARGEST_PAGE,
        clamp=sim.guesses.G11 == "clamp",
    )
    trie = read_projection(call.body.get("projection"))
    paths: list[list[Node]] = []
    for node in tree.ordered:
        if node.children if end is None else not _matches(node, end):
            continue
        way = node.path()
        paths.extend(way[position:] for position in _path_starts(way, start))
    assets: JsonObject = {}
    shown: list[list[str]] = []
    for way in page.of(paths):
        part = way if form == "COMPLETE" else [way[0], way[-1]]
        assets.update((node.asset_id, node.struct) for node in part)
        shown.append([node.asset_id for node in part])
    data = {"assets": assets, "assetPaths": shown}
    return Result(project(data, trie), page.pagination(len(paths)))


async def asset_get(sim: Simulator, call: Call) -> Result:
    """Answer the asset service's assets?action=get."""
    asset_id = call.params["assetId"]
    if asset_id in sim.forbidden_assets:
        raise Denied(f"assetId {asset_id}", "the asset is forbidden")
    struct = asset_struct(sim, asset_id)
    if struct is None:
        raise NotFound("asset does not exist")
    return Result(struct)


_TREE_ID = frozenset({"treeId"})

TREE_ENDPOINTS = (
    Endpoint(f"{BASE}/asset-trees", "search", "POST", TREE_READ, tree_search),
    Endpoint(
        f"{BASE}/asset-trees",
        "get",
        "GET",
        TREE_READ,
        tree_get,
        required=_TREE_ID,
        body="none",
    ),
    Endpoint(f"{BASE}/asset-nodes", "searchAsset", "POST", TREE_READ, node_search),
    Endpoint(
        f"{BASE}/asset-nodes",
        "searchRelatedAsset",
        "POST",
        TREE_READ,
        node_related,
        required=_TREE_ID,
    ),
    Endpoint(f"{BASE}/asset-nodes", "getAssetTree", "POST", TREE_READ, node_trees),
    Endpoint(
        f"{BASE}/asset-paths",
        "search",
        "POST",
        TREE_READ,
        path_search,
        required=_TREE_ID,
    ),
    Endpoint(
        "/asset-service/v2.1/assets",
        "get",
        "GET",
        ASSET_READ,
        asset_get,
        required=frozenset({"assetId"}),
        body="none",
    ),
)
