"""HTTP of texts besides their versions: what one would make, before anybody keeps it."""

from collections.abc import Sequence

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from alerts.notifications.textbook import InForce, preview, read_text
from contracts.answers import TemplatePreview
from contracts.document_orders import PreviewTemplate
from servicekit.answer import json_answer
from servicekit.auth import Guard
from servicekit.documents.library import Library
from servicekit.routes import Router


def text_routes(library: Library, policy: InForce, channels: Sequence[str], guard: Guard) -> APIRouter:
    """Checked as a save checks it, by the policy in force; nothing is kept. ``channels``: those there are."""
    router = Router(prefix="/v1/templates", tags=["templates"], dependencies=[Depends(guard)])

    @router.post("/preview", name="preview_template", response_model=TemplatePreview)
    async def preview_template(asked: PreviewTemplate) -> Response:
        """What customers would get, in both languages. 422: what is wrong with it."""
        document = await library.checked({"id": "preview", **asked.document})
        return json_answer(preview(policy(), read_text(document), asked.values, channels))

    return router
