"""Print what Home Assistant would install at its first start, one requirement a line.

scripts/setup runs this with the Python of the environment that it makes: so that `hass` starts quickly, and without a
network. Nothing is listed here; it comes from the manifests of the Home Assistant that is installed, for what it always
loads, for the components named in pyproject.toml and for what the integration itself uses.
"""

import json
from pathlib import Path
import tomllib

import homeassistant
from homeassistant.bootstrap import (
    CORE_INTEGRATIONS,
    DEFAULT_INTEGRATIONS,
    FRONTEND_INTEGRATIONS,
)

ROOT = Path(__file__).parent.parent
COMPONENTS = Path(homeassistant.__file__).parent / "components"
INTEGRATION = ROOT / "custom_components" / "enos"


def depends_on(manifest: Path) -> tuple[list[str], list[str]]:
    """Return what a manifest requires, and the components that Home Assistant prepares along with it."""
    content = json.loads(manifest.read_text(encoding="utf-8"))
    # It also prepares what may only have to be loaded before: without that, its first start would still install.
    components = content.get("dependencies", []) + content.get("after_dependencies", [])
    return content.get("requirements", []), components


def main() -> None:
    """Walk the manifests."""
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    waiting: set[str] = {
        *CORE_INTEGRATIONS,
        *DEFAULT_INTEGRATIONS,
        *FRONTEND_INTEGRATIONS,
    }
    waiting.update(pyproject["tool"]["enos"]["components"])
    requirements: set[str] = set()
    if (own := INTEGRATION / "manifest.json").is_file():
        required, components = depends_on(own)
        requirements.update(required)
        waiting.update(components)

    seen: set[str] = set()
    while waiting:
        component = waiting.pop()
        seen.add(component)
        manifest = COMPONENTS / component / "manifest.json"
        if not manifest.is_file():
            # Named in the core, but not part of every release (or of a custom component's own making).
            continue
        required, components = depends_on(manifest)
        requirements.update(required)
        waiting.update(set(components) - seen)

    print("\n".join(sorted(requirements)))


if __name__ == "__main__":
    main()
