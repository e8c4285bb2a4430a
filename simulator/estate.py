"""The building, open to kinds of devices that it has none of at first."""

from collections.abc import Mapping

from .building import Building
from .points import Kind


class Estate(Building):
    """A building that takes more kinds; those it has keep their ids."""

    def open_to(self, kinds: Mapping[str, Kind]) -> None:
        """Take more kinds: each gets its product and numbers of its own."""
        for key, kind in kinds.items():
            product_key = self.text_id(f"product:{key}")
            self.product_keys[key] = product_key
            self.kind_of_product[product_key] = kind
            self._next_index[key] = 0
