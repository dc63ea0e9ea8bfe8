"""The bytes of a column of text, all rows at once."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

_WIDTH = 8  # bytes looked at together


@dataclass(frozen=True)
class Tails:
    """Bytes of every cell, counted from its end: `byte(1)` is the last one of each row.

    `content` holds the text of all cells behind 8 zero bytes, `ends` where each cell ends in it.
    """

    content: NDArray[np.uint8]
    ends: NDArray[np.int64]
    lengths: NDArray[np.int64]
    last: NDArray[np.uint8]

    @classmethod
    def of(cls, column: pa.Array) -> "Tails":
        """Look at the buffers of an Arrow string array, chunked or not, without nulls."""
        if isinstance(column, pa.ChunkedArray):
            column = column.combine_chunks()
        offset_type = np.dtype(np.int64 if pa.types.is_large_string(column.type) else np.int32)
        _, offsets_buffer, content_buffer = column.buffers()
        start = column.offset * offset_type.itemsize
        all_offsets = np.frombuffer(offsets_buffer, dtype=offset_type, offset=start)
        offsets = all_offsets[: len(column) + 1].astype(np.int64)
        content = np.zeros(_WIDTH + offsets[-1] - offsets[0], dtype=np.uint8)
        if content_buffer is not None:
            text = np.frombuffer(content_buffer, dtype=np.uint8)
            content[_WIDTH:] = text[offsets[0] : offsets[-1]]
        return cls._looking_at(content, offsets[1:] - offsets[0] + _WIDTH, np.diff(offsets))

    @classmethod
    def _looking_at(
        cls, content: NDArray[np.uint8], ends: NDArray[np.int64], lengths: NDArray[np.int64]
    ) -> "Tails":
        windows = np.ndarray((len(content) - _WIDTH + 1,), "<u8", content.data, strides=(1,))
        last = windows[ends - _WIDTH].view(np.uint8).reshape(-1, _WIDTH)
        return cls(content, ends, lengths, last)

    def rows(self, places: NDArray[np.intp]) -> "Tails":
        """Return the cells of some rows."""
        return Tails._looking_at(self.content, self.ends[places], self.lengths[places])

    def byte(self, place: int) -> NDArray[np.uint8]:
        """Byte at the place; a neighbour's, or 0, where the cell is shorter."""
        if place <= _WIDTH:
            return self.last[:, _WIDTH - place]
        return self.content[np.maximum(self.ends - place, 0)]

    def digit(self, place: int) -> NDArray[np.uint8]:
        """Digit at the place; above 9 where the byte is none (unsigned wrap-around)."""
        return self.byte(place) - np.uint8(ord("0"))
