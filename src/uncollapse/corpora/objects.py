"""A folder of objects in a store that speaks S3: each is there whole or not at all, and may be made once only.

An object is put again while the store is out of breath or its reply was lost: the same bytes under the same name are
the same object. Larger ones are sent in parts and appear when the last has come; parts that nobody will join any more
are abandoned where the folder is taken over.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from blake3 import blake3

from uncollapse.errors import MissingExtra, OutputRefused
from uncollapse.fingerprint import file_digest

SCHEMES = ("s3://", "s3a://")
TRIES = 5
FIRST_WAIT = 0.5  # seconds; each is twice the one before
PART = 32 << 20  # bytes; the least that S3 takes is 5 MiB
DIGEST = "blake3"  # the name under which an object says what it holds
AT_ONCE = 1_000  # names of one removal

# What the AWS tools raise where nobody has told them who asks, or where.
_UNTOLD = frozenset(["NoCredentialsError", "PartialCredentialsError", "NoRegionError", "ProfileNotFound"])
AGAIN = "then run the same command again: what is committed stays."
WHO_ASKS = (
    "Say who asks with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE; where with AWS_DEFAULT_REGION, "
    "and for a store that is not Amazon's with AWS_ENDPOINT_URL."
)
_FINAL = (FileNotFoundError, PermissionError)


@dataclass(frozen=True, slots=True)
class Objects:
    """The objects under one address, such as `s3://bucket/folder`; names are relative to it."""

    address: str

    @classmethod
    def at(cls, address: str) -> "Objects":
        """The folder of objects at an address.

        Raises:
            MissingExtra: s3fs is not installed.
        """
        if find_spec("s3fs") is None:
            raise MissingExtra(f"{address} needs s3fs", hint="pip install 'uncollapse[s3]'")
        scheme, _, rest = address.partition("://")
        return cls(f"{scheme}://{rest.strip('/')}")

    def __str__(self) -> str:
        return self.address

    @property
    def bucket(self) -> str:
        """The bucket."""
        return self.address.partition("://")[2].partition("/")[0]

    def key(self, name: str) -> str:
        """The key of a name in the bucket."""
        folder = self.address.partition("://")[2].partition("/")[2]
        return f"{folder}/{name}" if folder else name

    def put(self, name: str, content: bytes | Path) -> None:
        """Nothing; the store holds the bytes, or those of the file, under the name, with their digest beside them.

        Raises:
            OutputRefused: it does not take them.
        """
        if isinstance(content, Path) and content.stat().st_size > PART:
            self._put_in_parts(name, content)
            return
        data = content.read_bytes() if isinstance(content, Path) else content
        self._call("put_object", Key=self.key(name), Body=data, Metadata=_said(_digest(data)))

    def _put_in_parts(self, name: str, path: Path) -> None:
        key = self.key(name)
        said = _said(file_digest(path))
        upload = self._call("create_multipart_upload", Key=key, Metadata=said)["UploadId"]
        parts = []
        with path.open("rb") as file:
            for number, data in enumerate(iter(lambda: file.read(PART), b""), start=1):
                reply = self._call("upload_part", Key=key, UploadId=upload, PartNumber=number, Body=data)
                parts.append({"PartNumber": number, "ETag": reply["ETag"]})
        try:
            self._call("complete_multipart_upload", Key=key, UploadId=upload, MultipartUpload={"Parts": parts})
        except OutputRefused:
            # A reply that was lost after the parts were joined: a second try finds no upload any more.
            if not self.holds(name, size=path.stat().st_size, digest=said[DIGEST]):
                raise

    def get(self, name: str) -> bytes | None:
        """The bytes of an object; None where it is not."""
        try:
            return bytes(self._read(name))
        except FileNotFoundError:
            return None

    def fetch(self, name: str, path: Path) -> None:
        """Nothing; the object lies in a file.

        Raises:
            FileNotFoundError: there is none.
        """
        reply = self._try("head_object", Key=self.key(name))
        with path.open("wb") as file:
            for first in range(0, int(reply["ContentLength"]), PART):
                file.write(self._read(name, first=first))

    def _read(self, name: str, *, first: int | None = None) -> bytes:
        """The object's bytes, or a part's from `first` on."""
        path, end = f"{self.bucket}/{self.key(name)}", None if first is None else first + PART
        return bytes(self._patiently(lambda: _system().cat_file(path, start=first, end=end), f"reading {name}"))

    def holds(self, name: str, *, size: int, digest: str) -> bool:
        """Whether the store has an object of this size that was put with this digest."""
        try:
            reply = self._try("head_object", Key=self.key(name))
        except FileNotFoundError:
            return False
        return int(reply["ContentLength"]) == size and reply["Metadata"].get(DIGEST) == digest

    def mark(self, name: str) -> str | None:
        """What changes whenever an object is put again (its ETag); None where it is not."""
        try:
            return str(self._try("head_object", Key=self.key(name))["ETag"])
        except FileNotFoundError:
            return None

    def create(self, name: str, content: bytes) -> str | None:
        """The mark of the object, where there was none and this call has made it; None where there was one.

        Raises:
            OSError: the bucket is not there, or does not take it.
        """
        return self._make(name, content, IfNoneMatch="*")

    def swap(self, name: str, content: bytes, *, mark: str) -> str | None:
        """The mark of the object, where it still had this mark and this call has replaced it; None else."""
        try:
            return self._make(name, content, IfMatch=mark)
        except FileNotFoundError:
            return None

    def _make(self, name: str, content: bytes, **condition: str) -> str | None:
        said = _said(_digest(content))
        try:
            reply = self._try("put_object", Key=self.key(name), Body=content, Metadata=said, **condition)
            return str(reply["ETag"])
        except FileExistsError:
            # Or this very call has made it, and the reply was lost.
            ours = self.holds(name, size=len(content), digest=said[DIGEST])
            return self.mark(name) if ours else None

    def names(self, under: str = "") -> list[str]:
        """The names of all objects that begin so, in order."""
        found: list[str] = []
        more: dict[str, str] = {}
        while True:
            page = self._call("list_objects_v2", Prefix=self.key(under), **more)
            found += [str(each["Key"])[len(self.key("")) :] for each in page.get("Contents", [])]
            if not page.get("IsTruncated"):
                return sorted(found)
            more = {"ContinuationToken": page["NextContinuationToken"]}

    def remove(self, names: Sequence[str]) -> None:
        """Nothing; there are no objects of these names."""
        for first in range(0, len(names), AT_ONCE):
            keys = [{"Key": self.key(name)} for name in names[first : first + AT_ONCE]]
            refused = self._call("delete_objects", Delete={"Objects": keys, "Quiet": True}).get("Errors")
            if refused:
                raise OutputRefused(
                    f"{self.bucket}/{refused[0]['Key']} cannot be removed: {refused[0].get('Message', '')}",
                    hint="Give the right to delete objects there, then run the same command again.",
                )

    def abandon_uploads(self) -> None:
        """Nothing; parts that were sent and never joined are gone. For whoever holds the folder alone."""
        more: dict[str, str] = {}
        while True:
            page = self._call("list_multipart_uploads", Prefix=self.key(""), **more)
            for each in page.get("Uploads", []):
                self._call("abort_multipart_upload", Key=each["Key"], UploadId=each["UploadId"])
            if not page.get("IsTruncated"):
                return
            more = {"KeyMarker": page["NextKeyMarker"], "UploadIdMarker": page["NextUploadIdMarker"]}

    def _call(self, what: str, **given: Any) -> Any:
        """The store's reply; what it will not do is an error of ours."""
        try:
            return self._try(what, **given)
        except OSError as error:
            told = type(error.__cause__).__name__ in _UNTOLD
            raise OutputRefused(
                f"{self.address} cannot be written: {error}",
                hint=WHO_ASKS if told else f"Check bucket, credentials and network, {AGAIN}",
            ) from error

    def _try(self, what: str, **given: Any) -> Any:
        def call() -> Any:
            return _system().call_s3(what, Bucket=self.bucket, **given)

        return self._patiently(call, what)

    def _patiently(self, call: Callable[[], Any], what: str) -> Any:
        """The reply; a call that fails for a reason that may pass is repeated."""
        for wait in _waits():
            try:
                return call()
            except _FINAL:
                raise
            except OSError as error:
                if _code(error) in ("PreconditionFailed", "412", "ConditionalRequestConflict"):
                    raise FileExistsError(str(error)) from error
                last: Exception = error
            except Exception as error:
                if type(error).__name__ in _UNTOLD:
                    raise PermissionError(str(error)) from error
                if not type(error).__module__.startswith(("botocore", "aiobotocore", "aiohttp")):
                    raise
                last = error
            time.sleep(wait)
        raise OSError(f"{what} failed {TRIES} times, last with {type(last).__name__}: {last}") from last


def is_object_store(address: str) -> bool:
    """Whether an address names objects of a store that speaks S3."""
    return address.startswith(SCHEMES)


def _waits() -> Iterator[float]:
    for number in range(TRIES):
        yield FIRST_WAIT * 2**number if number < TRIES - 1 else 0.0


def _system() -> Any:
    import fsspec  # noqa: PLC0415  (only who writes to a store needs it)

    return fsspec.filesystem("s3", use_listings_cache=False)


def _code(error: Exception) -> str:
    reply = getattr(error.__cause__, "response", None) or {}
    return str(reply.get("Error", {}).get("Code", ""))


def _digest(data: bytes) -> str:
    return blake3(data).hexdigest()


def _said(digest: str) -> dict[str, str]:
    return {DIGEST: digest}
