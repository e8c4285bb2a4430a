"""All calls that are served."""

from collections.abc import Mapping

from .calls import Endpoint
from .command_service import COMMAND_ENDPOINTS
from .connect_service import CONNECT_ENDPOINTS
from .model_service import MODEL_ENDPOINTS
from .topo_service import TOPO_ENDPOINTS
from .tree_service import TREE_ENDPOINTS
from .tsdb_service import TSDB_ENDPOINTS


def _routes() -> dict[str, dict[str | None, Endpoint]]:
    routes: dict[str, dict[str | None, Endpoint]] = {}
    for endpoint in (
        *CONNECT_ENDPOINTS,
        *TOPO_ENDPOINTS,
        *COMMAND_ENDPOINTS,
        *MODEL_ENDPOINTS,
        *TREE_ENDPOINTS,
        *TSDB_ENDPOINTS,
    ):
        routes.setdefault(endpoint.path, {})[endpoint.action] = endpoint
    return routes


# Endpoints by path and action; an action of None is a path without actions.
ROUTES: Mapping[str, Mapping[str | None, Endpoint]] = _routes()
