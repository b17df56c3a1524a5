"""A proposal of method and width of cells for a recording."""

from threading import Lock
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Response
from pydantic import BaseModel

from pyama.pictures.encoding import ImageFormat, encode_image
from pyama.runs.suggestion import Suggestion, suggest_for_channel
from pyama.runs.suggestion_text import suggestion_sentences
from pyama.web.folders import Root, root_of
from pyama.web.recording_routes import File

router = APIRouter(tags=["recordings"])
Channel = Annotated[int, Query(ge=0, description="Phase contrast channel.")]
_ONE = Lock()
"""One recording is looked at at a time; the next request finds what the first has found."""


class ProposedSettings(BaseModel):
    """What is proposed for a recording."""

    sentences: list[str]
    """What was looked at, what is proposed, how sure it is, and why."""
    settings: dict[str, Any]
    """The proposed parameters, as in a configuration; empty if not sure."""
    has_picture: bool
    """Whether there is an image to draw outlines on."""


@router.get("/api/recording/suggestion")
def suggestion(
    root: Annotated[Root, Depends(root_of)], file: File, channel: Channel
) -> ProposedSettings:
    """Method and width of cells for a recording; takes seconds, and nothing is written."""
    found = _found(root, file, channel)
    return ProposedSettings(
        sentences=suggestion_sentences(found),
        settings=found.settings,
        has_picture=found.picture is not None,
    )


@router.get("/api/recording/suggestion/picture", response_class=Response)
def picture(root: Annotated[Root, Depends(root_of)], file: File, channel: Channel) -> Response:
    """A JPEG of outlines that are found with several widths, side by side."""
    found = _found(root, file, channel)
    if found.picture is None:
        raise HTTPException(404, "Nothing was recorded in this channel.")
    return Response(encode_image(found.picture, ImageFormat.JPEG), media_type="image/jpeg")


def _found(root: Root, file: str, channel: int) -> Suggestion:
    with _ONE:
        return suggest_for_channel(root.inside(file), channel)
