"""The asset tree service: which device stands in which room."""

from .calls import Endpoint

TREE_ENDPOINTS: tuple[Endpoint, ...] = ()
