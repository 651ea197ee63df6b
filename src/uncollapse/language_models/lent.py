"""A model as it travels to whoever reads with it: by its address, opened where it is first needed."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from socket import gethostname
from typing import Any, Protocol, runtime_checkable

from uncollapse.errors import UsageError
from uncollapse.language_models.addresses import EMBEDDED, WINDOW, load, resolve, vocabulary_of
from uncollapse.language_models.hub import PREFIX
from uncollapse.language_models.model import LanguageModel, ModelCard, Vocabulary
from uncollapse.language_models.vllm_address import parted


@runtime_checkable
class Readable(Protocol):
    """Something that a model can be handed."""

    def read_by(self, model: LanguageModel) -> Any:
        """What the model makes of it."""
        ...


@runtime_checkable
class Closable(Protocol):
    """A model that holds what must be given back."""

    def close(self) -> None:
        """Nothing; it has given back what it held."""
        ...


@dataclass(frozen=True)
class Lent:
    """A model that is not open yet: called with a piece it says what the model makes of it.

    It crosses to other processes and machines as address and card; what was opened stays where it is.
    """

    card: ModelCard
    place: str
    window: int

    @classmethod
    def of(cls, address: str, *, dtype: str = "auto", window: int = WINDOW) -> "Lent":
        """The model behind an address, with the number format that it has where models are read.

        Raises:
            ModelError: nothing answers to the address, or it is no model.
        """
        prefix, inner = parted(address)
        path = Path(inner).expanduser()
        named = inner in EMBEDDED or inner.startswith(PREFIX)
        place = f"{prefix}{path.resolve()}" if path.exists() and not named else address
        return cls(resolve(address, dtype=dtype, window=window), place, window)

    @cached_property
    def model(self) -> LanguageModel:
        """The model, ready to read.

        Raises:
            UsageError: what answers to the address here has other weights, or is read by other versions or devices.
        """
        model = load(self.place, dtype=self.card.dtype, window=self.window)
        for name in ("revision", "backend_version"):
            own, wanted = getattr(model.card, name), getattr(self.card, name)
            if own != wanted:
                raise UsageError(
                    f"{self.card.address} is another model on {gethostname()}: its {name.replace('_', ' ')} is {own} "
                    f"and not {wanted}",
                    hint="All machines must have the same weights, versions and kind of device.",
                )
        return model

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """How the model cuts text; its weights are not read for it."""
        return vocabulary_of(self.place)

    def __call__(self, piece: Readable) -> Any:
        """What the model makes of the piece."""
        return piece.read_by(self.model)

    def close(self) -> None:
        """Nothing; what was opened is let go, and is opened again where it is needed."""
        model = self.__dict__.pop("model", None)
        if isinstance(model, Closable):
            model.close()

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("card", "place", "window")}
