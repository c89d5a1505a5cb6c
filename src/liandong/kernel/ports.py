"""Ports: what the product asks of an engine.  Adapters live in `engines` and are named in settings.

Every adapter of a port passes the same contract suite, `tests/engines/test_<port>.py`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Generic, Protocol, TypeVar, cast

from .access import Rule
from .pages import Box, Page
from .sealed import Aead, MasterKey, WrappedKey
from .signatures import Signature, TimeStamp

Job = TypeVar("Job")
Answer = TypeVar("Answer")


# Reading ------------------------------------------------------------------------------------------


class Unreadable(Exception):
    """A file cannot be read; `code` is a row of `catalog/findings.csv` (FILE-ENCRYPTED, …)."""

    def __init__(self, code: str, **facts: str) -> None:
        super().__init__(f"{code} {facts}")
        self.code = code
        self.facts = facts

    def __reduce__(self) -> tuple[Callable[..., "Unreadable"], tuple[str, dict[str, str]]]:
        return _unreadable, (self.code, self.facts)  # crosses process borders


def _unreadable(code: str, facts: dict[str, str]) -> Unreadable:
    return Unreadable(code, **facts)


class Reader(Protocol):
    """Reads files of any kind: counts their pages, gives text with places, renders page images."""

    def count(self, file: Path, puid: str) -> int:
        """Number of pages; 0 for a kind that has no text (audio, video).  Raises Unreadable."""
        ...

    def read(
        self, file: Path, puid: str, numbers: Sequence[int], images: Path | None
    ) -> list[Page]:
        """The pages with these numbers (from 1), lines in reading order.

        With `images`, a page that has no image file of its own is rendered there (200–300 dpi) and
        named in `Page.image`.  Originals are never changed.  Raises Unreadable.
        """
        ...

    def text_of(self, file: Path, puid: str) -> str | None:
        """The text of a file that carries text, cheaply; None when it would need recognition."""
        ...

    def bind(self, pages: Sequence[tuple[Page, Path]], target: Path, title: str) -> None:
        """Write a double-layer PDF (双层文件): page images with their text invisible above."""
        ...


@dataclass(frozen=True, slots=True)
class Identification:
    """What a file is, by signature."""

    puid: str  # PRONOM id such as "fmt/43"; "" when unknown
    name: str  # of the format, English as PRONOM has it
    mime: str
    basis: str  # what decided: signature, container, extension, text
    extension_mismatch: bool = False


class Identifier(Protocol):
    """Identifies file formats by signature."""

    version: str  # of tool and signatures, for the PREMIS event

    def identify(self, files: Sequence[Path]) -> list[Identification]:
        """One identification per file, in order; an empty or unknown file gives puid ""."""
        ...


class VirusScanner(Protocol):
    """Looks for viruses."""

    def state(self) -> tuple[bool, str]:
        """Whether it can be trusted now, and its version and the age of its definitions."""
        ...

    def scan(self, file: Path) -> str:
        """The name of what was found, or "".  Raises OSError when the scanner is away."""
        ...


@dataclass(frozen=True, slots=True)
class MaskedPage:
    """A page for a masked copy: its lines are masked already, its image is not."""

    page: Page
    image: Path | None  # the page image as it is; None: there is none, the lines are drawn
    black: tuple[Box, ...]  # rectangles in pixels of an image that is `page.width` wide


class Redactor(Protocol):
    """Makes copies from which nobody gets back what was masked."""

    def black_out(self, image: Path, black: Sequence[Box], width: int, target: Path) -> None:
        """Write a new JPEG of the page image in which the rectangles are black pixels.

        The rectangles are in pixels of an image that is `width` wide, upright as a person sees it.
        No metadata, preview or further page of the file survives.  Raises Unreadable.
        """
        ...

    def masked_pdf(self, pages: Iterable[MaskedPage], target: Path, title: str) -> None:
        """Write a PDF of blackened page images with the masked lines, invisible, to be copied.

        Nothing of an original file is taken over.  Raises Unreadable, ValueError (no pages).
        """
        ...


# Search -------------------------------------------------------------------------------------------

FACETS = ("year", "fonds", "category", "retention", "author")  # filters with counts


@dataclass(frozen=True, slots=True)
class MaskedText:
    """The words by which those find a record who may read it, but not the whole of it.

    Personal information is masked in them; the archival code goes with them.  A text that is left
    empty finds nothing.
    """

    title: str = ""
    document_number: str = ""
    body: str = ""
    author: str = ""  # value of the facet


@dataclass(frozen=True, slots=True)
class SearchDocument:
    """What the index holds of one record."""

    record_id: int
    code: str  # archival code
    document_number: str
    title: str
    body: str  # page text and extracted fields, one line per line
    facets: Mapping[str, str]  # keys of FACETS; "" when unknown
    date: int  # document date as YYYYMMDD, 0 when unknown; months and days may be 00
    facts: Mapping[
        str, str | int | frozenset[str]
    ]  # fields of the access rule: level, open_from, unit, …
    masked: MaskedText | None = None  # where everybody who may read it reads the whole: none


@dataclass(frozen=True, slots=True)
class SearchHit:
    """One record found."""

    record_id: int
    score: float
    whole: bool = True  # False: by its masked text


@dataclass(frozen=True, slots=True)
class SearchAnswer:
    """What was found: the best hits, the exact count, and counts per facet value."""

    hits: tuple[SearchHit, ...]
    count: int
    facets: Mapping[str, tuple[tuple[str, int], ...]] = field(default_factory=dict)  # most first


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """A question, already parsed by `kernel.query`."""

    words: tuple[str, ...] = ()  # each must occur (ranked); folded by the adapter
    phrases: tuple[str, ...] = ()  # each must occur exactly, inside one line or across a line break
    without: tuple[str, ...] = ()  # none may occur
    codes: tuple[str, ...] = ()  # archival codes or document numbers: found first
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # FACETS: any of
    date_from: int = 0  # YYYYMMDD
    date_to: int = 99999999

    @property
    def is_empty(self) -> bool:
        """No condition on text: everything visible that passes the filters is found."""
        return not (self.words or self.phrases or self.without or self.codes)


class SearchAway(OSError):
    """The index cannot be asked or written to now; try again later."""


class SearchRefused(OSError):
    """The index does not take some documents; `str(error)` names them."""


class SearchEngine(Protocol):
    """A full-text index: it proposes, the database disposes; it can be rebuilt at any time.

    Everything that asks or writes raises SearchAway when the index does not answer.
    """

    def put(self, documents: Iterable[SearchDocument]) -> None:
        """Add or replace documents by record_id; findable when this returns."""
        ...

    def remove(self, record_ids: Iterable[int]) -> None:
        """Remove documents; unknown ids are ignored."""
        ...

    def find(
        self,
        query: SearchQuery,
        *,
        visible: Rule,
        whole: Rule,
        limit: int,
        offset: int = 0,
        facets: Sequence[str] = (),
        order: str = "relevance",  # relevance, newest, oldest
    ) -> SearchAnswer:
        """Hits within `visible`, which also governs count and facets.

        Of these, documents within `whole` are asked by their text, all others by their masked
        text and nothing else: words, phrases, exclusions, codes and facet values of a secret
        never find, count or leave out a document outside of `whole`.  A document outside of
        `visible` does not become visible by `whole`.  The counts of a facet ignore the filter on
        that facet itself, so that the other values keep their counts.
        """
        ...

    def rebuild(self, documents: Iterable[SearchDocument]) -> int:
        """Fill a new index beside the old one, swap, and return how many documents it holds."""
        ...

    def count(self) -> int:
        """Number of documents in the index."""
        ...

    def state(self) -> str:
        """Name, version and condition of what answers, for the operator."""
        ...

    def fold(self, text: str) -> str:
        """`text` as this engine compares it, of the same length: for `kernel.text.snippet`."""
        ...

    def close(self) -> None:
        """Let go of files and threads."""
        ...


# Packages -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PackageFault:
    """One thing that a validator found, in the terms of the package's own specification."""

    code: str  # of the specification, e.g. "E092" or "W004"
    is_error: bool  # the package is not valid; otherwise a warning
    text: str  # English, of the validator
    where: str = ""  # path of the object inside the storage root, "" for the package itself


class PackageValidator(Protocol):
    """Validates packages of one kind against their specification (OCFL)."""

    version: str  # of the tool, for the PREMIS event

    def validate(self, path: Path, *, check_digests: bool = True) -> list[PackageFault]:
        """What is wrong with an object or a storage root; a broken package is never an exception.

        Without `check_digests` the bytes of the contents are not read.
        """
        ...


# Blobs --------------------------------------------------------------------------------------------


class StoreUnavailable(OSError):
    """The store is away or answers with an error; nothing is known of what was asked last."""


class BlobStore(Protocol):
    """Bytes by key.  Keys are relative paths with `/`; no key is ever outside the store.

    Any call may raise StoreUnavailable where the store is another machine.  One process at a time
    places, exchanges or deletes a folder: callers hold the lock of the object.
    """

    def open(self, key: str) -> BinaryIO:
        """A readable stream.  Raises FileNotFoundError."""
        ...

    def read(self, key: str) -> bytes:
        """All bytes.  Raises FileNotFoundError."""
        ...

    def path(self, key: str) -> Path:
        """A local file with these bytes (a cached copy on a remote store)."""
        ...

    def exists(self, key: str) -> bool: ...

    def size(self, key: str) -> int:
        """Bytes under the key.  Raises FileNotFoundError."""
        ...

    def keys(self, prefix: str = "") -> Iterator[str]:
        """Every key under the prefix, sorted."""
        ...

    def put(self, key: str, content: bytes) -> None:
        """Write once: durable when it returns; raises FileExistsError if the key is there."""
        ...

    def replace(self, key: str, content: bytes | Path) -> None:
        """Write or overwrite atomically, bytes or those of a file; durable when it returns."""
        ...

    def place(self, folder: Path, key: str) -> None:
        """Move a finished local folder under `key`, all or nothing; raises FileExistsError."""
        ...

    def place_many(self, folders: Mapping[str, Path]) -> frozenset[str]:
        """Place finished local folders by key, each all or nothing, with one wait for the disk.

        Returns the keys that were there already; their folders stay where they are.
        """
        ...

    def exchange(self, folder: Path, key: str) -> None:
        """Put a finished local folder in the place of the one under `key`, at once.

        A reader sees the old one or the new one; the old one is gone when this returns.  Raises
        FileNotFoundError when nothing is there, OSError where a file system cannot do it.
        """
        ...

    def delete(self, prefix: str) -> None:
        """Delete the key or every key under the prefix for good; nothing there is not an error."""
        ...

    def sweep(self, older_than_s: float = 24 * 3600) -> int:
        """Remove what interrupted writes left and nobody is writing any more; how many."""
        ...

    def state(self) -> str:
        """Where it is and how it protects its bytes, in words.  Raises OSError when it is away."""
        ...


# Keys ---------------------------------------------------------------------------------------------


class Cipher(Protocol):
    """Makes authenticated ciphers: a library, or a card."""

    is_certified: bool  # of a certified commercial cryptography product
    module: str  # name and version, for descriptors and pages

    def aead(self, algorithm: str, key: bytes) -> Aead:
        """The cipher of this name in `kernel.sealed.ALGORITHMS` with this key."""
        ...


class KeyVault(Protocol):
    """Keeps master keys and wraps data keys with them: key files, a KMS or an HSM."""

    def masters(self) -> list[MasterKey]:
        """Every master key, oldest first, destroyed ones included."""
        ...

    def create(self, algorithm: str, *, now: datetime) -> MasterKey:
        """Make a master key that wraps from now on; durable when this returns."""
        ...

    def wrap(self, master: str, secret: bytes, about: bytes) -> bytes:
        """Encrypt a data key.  Raises MasterLost."""
        ...

    def unwrap(self, master: str, wrapped: bytes, about: bytes) -> bytes:
        """Decrypt a data key.  Raises MasterLost and WrongKey."""
        ...

    def destroy(self, master: str) -> None:
        """Throw a master key away: what it wraps opens never again.  Raises MasterLost."""
        ...


class KeyRing(Protocol):
    """Keeps the wrapped data key of every sealed object, outside store and database."""

    def get(self, object_id: str) -> WrappedKey:
        """Raises KeyLost."""
        ...

    def put_many(self, keys: Sequence[WrappedKey]) -> list[WrappedKey]:
        """Keep wrapped keys, durable when this returns, and say what is kept, in order.

        The key that an object has already stays, and is what is said: two writers agree.
        """
        ...

    def replace(self, key: WrappedKey) -> None:
        """Keep another wrapping of the same data key, atomically.  Raises KeyLost."""
        ...

    def remove(self, object_id: str) -> bool:
        """Throw the key of an object away for good; whether there was one."""
        ...

    def all(self) -> Iterator[WrappedKey]:
        """Every wrapped key that can be read."""
        ...


# Signing ------------------------------------------------------------------------------------------


class Signer(Protocol):
    """Signs with a key that only it holds; a smart card or a signing server can stand behind it."""

    algorithm: str  # kernel.signatures.SM2
    is_certified: bool  # of a certified commercial cryptography product; pages say so when not
    module: str  # name and version, for events and pages

    @property
    def key_id(self) -> str:
        """Fingerprint of the key that signs now."""
        ...

    def public_key(self) -> bytes:
        """The public key that signs now, 04 ‖ x ‖ y; made at first use.  Raises OSError."""
        ...

    def public_keys(self) -> list[bytes]:
        """Every public key that ever signed, oldest first: what the archive publishes."""
        ...

    def sign(self, content: bytes) -> Signature:
        """Sign; raises OSError when the key cannot be had."""
        ...

    def verify(self, content: bytes, signature: Signature) -> bool:
        """Whether one of the keys of this signer signed `content`; malformed is False."""
        ...


class TimeStamper(Protocol):
    """States that bytes were known at a time."""

    is_trusted: bool  # False: no trusted third party stands behind it, and pages say so

    def stamp(self, content: bytes, *, now: datetime) -> TimeStamp:
        """Stamp the SM3 of `content`; raises OSError."""
        ...

    def verify(self, content: bytes, stamp: TimeStamp) -> bool:
        """Whether this time stamper stamped `content`."""
        ...


# Compute ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Outcome(Generic[Job, Answer]):
    """What became of one job: its answer, or the error that ended it."""

    job: Job
    answer: Answer | None = None
    error: Exception | None = None

    def get(self) -> Answer:
        """The answer; raises the error that ended the job."""
        if self.error is not None:
            raise self.error
        return cast("Answer", self.answer)


class WorkerLost(Exception):
    """The worker died while it had this job (killed, out of memory), also when tried again."""


class Compute(Protocol):
    """Runs a function over many jobs, on as many processors as it has."""

    def map(
        self, work: Callable[[Job], Answer], jobs: Iterable[Job]
    ) -> Iterator[Outcome[Job, Answer]]:
        """Outcomes as they finish, in any order, each job exactly once.

        `work` is a module-level function.  One failing job never stops the others; a job whose
        worker dies is tried again alone, and then ends with WorkerLost.
        """
        ...

    def close(self) -> None:
        """Stop the workers."""
        ...


# Calling out --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Letter:
    """Something to be sent to another system by POST."""

    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of sending a letter: a status of HTTP, or why there is none."""

    status: int = 0
    trouble: str = ""  # refused:<reason>, tls:<reason>, timeout, or the name of the fault
    took_ms: int = 0

    @property
    def is_taken(self) -> bool:
        """Whether the receiver said that it has it."""
        return 200 <= self.status < 300

    @property
    def is_passing(self) -> bool:
        """Whether the same may be taken later: no answer, too many requests, trouble over there.

        Source: RFC 9110 (408, 5xx), RFC 6585 (429), RFC 8470 (425).
        """
        return self.status in {0, 408, 425, 429} or self.status >= 500


class Messenger(Protocol):
    """Sends letters to other systems, and only to addresses that this installation allows."""

    def judge(self, url: str) -> None:
        """Raises kernel.endpoints.BadEndpoint for an address that is never called."""
        ...

    def send(self, letters: Sequence[Letter]) -> list[Reply]:
        """One reply per letter, in order; several go at once.  Every failure is a reply."""
        ...


@dataclass(frozen=True, slots=True)
class ShortMessage:
    """A short message (短信) to one telephone: `id` is the same when it is sent again."""

    id: str
    phone: str
    text: str


class Texter(Protocol):
    """Hands short messages to a gateway.  Nothing of it keeps a telephone number in the clear."""

    def send(self, texts: Sequence[ShortMessage]) -> list[Reply]:
        """One reply per message, in order.  Every failure is a reply: status 0 is no answer."""
        ...
