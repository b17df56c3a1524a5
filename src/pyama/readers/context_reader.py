"""What all readers have in common: they close themselves, and print one line."""

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

from pyama.metadata import MicroscopyMetadata
from pyama.sentences import count_text


class ContextReader(ABC):
    """A reader that `with` closes.

    Attributes:
        metadata: Description of the recording.
    """

    metadata: MicroscopyMetadata

    def __repr__(self) -> str:
        about = self.metadata
        fovs = f"{count_text(about.n_fovs, 'field')} of view"
        channels = ", ".join(about.channel_names)
        frames = count_text(about.n_frames, "frame")
        name = f"{type(self).__name__} {about.basename}"
        return f"<{name}: {fovs}, {frames}, channels {channels}>"

    @abstractmethod
    def close(self) -> None:
        """Close the file. Closing twice is allowed."""

    def __enter__(self) -> Self:
        """Return the reader itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        self.close()
