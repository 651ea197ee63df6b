"""What a corpus must hold to: limits read from a TOML file, and what is said where one is broken."""

import tomllib
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from math import isnan
from pathlib import Path
from typing import Annotated, Any, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from uncollapse.errors import MissingInput, UsageError
from uncollapse.provenance.holdings import Totals
from uncollapse.provenance.origin import UNKNOWN_GENERATOR_DEPTH

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]

RULES = {
    "max_depth": "no text deeper than this",
    "min_human_token_share": "at least this share of words in rows of origin human",
    "min_written_share": "at least this share of words that a person wrote, edited text included",
    "min_reserve_share": "at least this share of words in rows of the reserve",
    "max_unknown_share": "at most this share of words of which nobody knows who wrote them",
    "max_edits_per_position": "no place of a text changed in more rounds than this",
    "forbid_self_consumption": "no model fed on what it wrote itself",
}


class Breach(NamedTuple):
    """A rule that is broken: what was found, what is allowed, and the shards that break it by themselves."""

    rule: str
    value: float
    limit: float
    shards: tuple[str, ...] = ()
    detail: str = ""

    def __str__(self) -> str:
        where = f" in {', '.join(self.shards[:3])}" if self.shards else ""
        more = f" and {len(self.shards) - 3} more" if len(self.shards) > 3 else ""
        detail = f" ({self.detail})" if self.detail else ""
        return f"{self.rule}: {self.value:g}, allowed {self.limit:g}{where}{more}{detail}"


class Policy(BaseModel):
    """Limits; one that is not given is not checked.

    `unknown_generator_depth` is the depth of models of which nobody knows what they were trained on. `trained_on` gives
    for models, by name or address, the content roots of the corpora that they were trained on, `model_depth` the
    greatest depth of a text in these: both are declared by whoever writes the policy. A folder goes by its name, as it
    does in recipes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    max_depth: Count | None = None
    min_human_token_share: Share | None = None
    min_written_share: Share | None = None
    min_reserve_share: Share | None = None
    max_unknown_share: Share | None = None
    max_edits_per_position: Count | None = None
    forbid_self_consumption: bool = False
    unknown_generator_depth: Annotated[int, Field(ge=UNKNOWN_GENERATOR_DEPTH)] = UNKNOWN_GENERATOR_DEPTH
    trained_on: Mapping[str, list[str]] = {}
    model_depth: Mapping[str, Count] = {}

    @field_validator("trained_on", "model_depth", mode="before")
    @classmethod
    def _as_recorded(cls, declared: Any) -> Any:
        return {_recorded(name): value for name, value in declared.items()} if isinstance(declared, dict) else declared

    @classmethod
    def from_toml(cls, path: Path) -> Self:
        """The policy of a TOML file.

        Raises:
            MissingInput: there is no such file.
            UsageError: it is not TOML, or a rule that is unknown or cannot be; names file and rule.
        """
        try:
            content = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise MissingInput(f"{path}: {error.strerror}", hint="give the path of a TOML file") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise UsageError(f"{path} is not TOML: {error}", hint="write lines such as `max_depth = 2`") from error
        try:
            return cls(**content)
        except ValidationError as error:
            raise _refused(error, path) from error

    def rules(self) -> tuple[str, ...]:
        """The rules that are checked, by name."""
        return tuple(rule for rule in RULES if getattr(self, rule) not in (None, False))

    def deep(self, depth: int) -> int:
        """How deep at most a text of this recorded depth lies, where unknown models count as this policy has it."""
        return depth + self.unknown_generator_depth - UNKNOWN_GENERATOR_DEPTH if depth else 0

    def breaches(
        self,
        totals: Totals,
        *,
        shards: Mapping[str, Totals] | None = None,
        models: Mapping[str, Any] | None = None,
        root: str | None = None,
    ) -> tuple[Breach, ...]:
        """The rules that a corpus breaks.

        `shards` are the holdings of its shards, so that those can be named which break a rule by themselves; `models`
        the table of models and `root` the content root out of its manifest.

        Raises:
            UsageError: there is a rule on the reserve, and no reserve was counted.
        """
        found = []
        table = self.known(models or {})
        for rule, value in _VALUES.items():
            limit = getattr(self, rule)
            if limit is None:
                continue
            worst = float(value(self, totals, table))
            if _broken(rule, worst, limit):
                each = (shards or {}).items()
                named = [name for name, own in each if _broken(rule, float(value(self, own, table)), limit)]
                found.append(Breach(rule, worst, float(limit), tuple(named)))
        if self.forbid_self_consumption:
            found += self._fed_on_itself(totals, models or {}, root)
        return tuple(found)

    def declared(self, name: str, addresses: Sequence[str]) -> int | None:
        """The depth of a model's training text as this policy declares it; None where it does not."""
        return next((self.model_depth[one] for one in (name, *addresses) if one in self.model_depth), None)

    def known(self, models: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """A table of models with what this policy declares of them, where their own cards say nothing.

        `declared` names what comes from the policy.
        """
        table = {}
        for name, entry in models.items():
            told = {
                "model_depth": self.declared(name, entry.get("addresses", ())),
                "trained_on": sorted(self.roots_of(name, {**entry, "trained_on": None})) or None,
            }
            new = {key: value for key, value in told.items() if value is not None and entry.get(key) is None}
            table[name] = {**entry, **new, **({"declared": sorted(new)} if new else {})}
        return table

    def deepest(self, totals: Totals, models: Mapping[str, Any]) -> int:
        """How deep at most a text lies, where models count as `known` has them.

        A ledger counts the text of a model of which it knows nothing as one level past depth 1; the true depth is at
        most as much more as the training text is deeper than that.
        """
        return max((self._deep(name, depth, models) for name, depth in totals.deepest_by.items()), default=0)

    def _deep(self, name: str | None, depth: int, models: Mapping[str, Any]) -> int:
        entry = models.get(name or "", {})
        if "model_depth" in entry.get("declared", ()):
            return depth + max(entry["model_depth"] - UNKNOWN_GENERATOR_DEPTH, 0) if depth else 0
        return depth if entry.get("model_depth") is not None else self.deep(depth)

    def roots_of(self, name: str, entry: Mapping[str, Any]) -> set[str]:
        """The content roots of what a model was trained on, as its card or this policy says."""
        told = [self.trained_on.get(each, []) for each in (name, *entry.get("addresses", ()))]
        return {*(entry.get("trained_on") or ()), *(root for each in told for root in each)}

    def _fed_on_itself(self, totals: Totals, models: Mapping[str, Any], root: str | None) -> list[Breach]:
        return [
            Breach(
                "forbid_self_consumption",
                totals.generators[name],
                0,
                detail=f"rows written by {_called(name, entry)}, which was trained on this corpus",
            )
            for name, entry in models.items()
            if totals.generators.get(name) and root in self.roots_of(name, entry)
        ]


def _called(name: str, entry: Mapping[str, Any]) -> str:
    return next(iter(entry.get("addresses", ())), name)


def _reserve_share(_: Policy, totals: Totals, __: Mapping[str, Any]) -> float:
    if totals.reserve_share is None:
        raise UsageError("min_reserve_share needs the reserve that it is a share of", hint="name it: --reserve RESERVE")
    return totals.reserve_share


# What each rule is held against; a rule that begins with `min_` wants at least as much, the others at most.
_VALUES: Mapping[str, Callable[[Policy, Totals, Mapping[str, Any]], float]] = {
    "max_depth": lambda policy, totals, models: policy.deepest(totals, models),
    "min_human_token_share": lambda _, totals, __: totals.human_share,
    "min_written_share": lambda _, totals, __: totals.written_share,
    "min_reserve_share": _reserve_share,
    "max_unknown_share": lambda _, totals, __: totals.unknown_share,
    "max_edits_per_position": lambda _, totals, __: totals.edits_of_a_position,
}


def _broken(rule: str, value: float, limit: int | float) -> bool:
    """Whether a value is past its limit; of a corpus without words no share can be said, so none is broken."""
    return not isnan(value) and (value < limit if rule.startswith("min_") else value > limit)


def _refused(error: ValidationError, path: Path) -> UsageError:
    first = error.errors(include_url=False)[0]
    name = str(first["loc"][0])
    if first["type"] == "extra_forbidden":
        near = get_close_matches(name, Policy.model_fields, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(Policy.model_fields)}"
        return UsageError(f"{path}: no rule is called {name!r}", hint=hint)
    said = first["msg"][:1].lower() + first["msg"][1:]
    return UsageError(
        f"{path}: {name}: {said}, not {first['input']!r}", hint=f"{name}: {_MEANING.get(name, 'see docs/ledger.md')}"
    )


_MEANING = {
    **RULES,
    "unknown_generator_depth": "the depth of models of which nobody knows what they were trained on, 1 or more",
    "model_depth": 'a table of models and depths: [model_depth] "smollm2-135m" = 1',
    "trained_on": 'a table of models and content roots: [trained_on] "smollm2-135m" = ["<root>"]',
}


def _recorded(address: str) -> str:
    """The address as recipes have it: of a folder the last part of its path; which engine reads it is no part of it."""
    address = address.removeprefix("vllm:")
    hub = address.startswith("hf:") or "://" in address
    return address if hub or "/" not in address.rstrip("/") else address.rstrip("/").rsplit("/", 1)[1]
