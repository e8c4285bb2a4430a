"""The model service: thing models."""

from typing import TYPE_CHECKING

from .calls import Call, Endpoint, Result
from .expressions import attribute, compile_expression, field, tag
from .listing import known_fields, project, read_page, read_projection
from .refusals import NotFound

if TYPE_CHECKING:
    from .simulator import Simulator

PATH = "/model-service/v2.1/thing-models"
MODEL_READ = "Model Management: Read"
LARGEST_PAGE = 200
MODEL_FIELDS = {
    "modelId": field("in", attribute("modelId")),
    "tags.*": field("= exists not exists", tag("tags")),
}


async def model_get(sim: Simulator, call: Call) -> Result:
    """Answer thing-models?action=get."""
    call.number("scope", 0, 1, 1)
    model = sim.models.get(call.params["modelId"])
    if model is None:
        raise NotFound("modelId does not exist")
    return Result(model)


async def model_search(sim: Simulator, call: Call) -> Result:
    """Answer thing-models?action=search."""
    call.number("scope", 0, 1, 1)
    body = call.body
    known_fields(body, "expression", "pagination", "projection")
    wanted = compile_expression(body.get("expression"), MODEL_FIELDS)
    page = read_page(
        body.get("pagination"),
        default=10,
        largest=LARGEST_PAGE,
        clamp=sim.guesses.G11 == "clamp",
        shift=call.shift,
    )
    trie = read_projection(body.get("projection"))
    models = [model for model in sim.models.values() if wanted is None or wanted(model)]
    return Result(
        [project(model, trie) for model in page.of(models)],
        page.pagination(len(models)),
    )


MODEL_ENDPOINTS = (
    Endpoint(
        PATH,
        "get",
        "GET",
        MODEL_READ,
        model_get,
        required=frozenset({"modelId"}),
        optional=frozenset({"scope"}),
        body="none",
    ),
    Endpoint(
        PATH,
        "search",
        "POST",
        MODEL_READ,
        model_search,
        optional=frozenset({"scope"}),
    ),
)
