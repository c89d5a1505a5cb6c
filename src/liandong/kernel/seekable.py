"""Content of a known length, read from any place of it."""

import io


class SizedStream(io.RawIOBase):
    """A raw stream over `size` bytes that keeps its place in `at`; subclasses read from there."""

    size: int
    at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Raises ValueError before the beginning; beyond the end nothing is read."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self.at, io.SEEK_END: self.size}[whence]
        if base + offset < 0:
            raise ValueError(f"before the beginning: {offset}")
        self.at = base + offset
        return self.at
