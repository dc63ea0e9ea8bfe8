"""Pods of one source in compact columns, until their owners and nodes are known."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditor.domain.frames import CATEGORY, FLAG, NUMBER, TEXT, WHOLE, check, names
from auditor.normalize.json_spelling import member
from auditor.normalize.kubernetes.accelerators import OFFERED, accelerators_held, is_telling_label
from auditor.normalize.kubernetes.frame import PODS
from auditor.normalize.kubernetes.owners import KnownOwners, PodOwner, labels_of
from auditor.normalize.kubernetes.record import Devices, PodRecord

_N_ROWS_OF_PIECE = 20_000
_MISSING_US = np.iinfo(np.int64).min
_OWNER, _DEVICES = "owner_code", "devices_code"
_DTYPE_OF = {column.name: column.dtype for column in PODS}
_AS_READ = (
    "uid", "namespace", "name", "node", "controller_kind", "user", "project", "queue",
    "priority_class", "state", "is_open", "time_limit_s", "n_cpus", "memory_bytes", "n_restarts",
    "quality_flags",
)  # fmt: skip
_INSTANTS = ("created", "start", "end")

Word = TypeVar("Word", bound=Hashable)


@dataclass
class _Distinct(Generic[Word]):
    """Values that many rows share, each with its code."""

    words: list[Word] = field(default_factory=list)
    _code_of: dict[Word, int] = field(default_factory=dict)

    def code(self, value: Word) -> int:
        found = self._code_of.setdefault(value, len(self.words))
        if found == len(self.words):
            self.words.append(value)
        return found


@dataclass
class KnownNodes:
    """Nodes of an export: the labels that tell of their accelerators."""

    _labels_of: dict[str, tuple[str, Mapping[str, str]]] = field(default_factory=dict)

    def learn(self, item: Mapping[str, Any]) -> None:
        """Take what a node says of itself; of two nodes of one name the younger counts."""
        name = member(item, "metadata", "name")
        if not isinstance(name, str):
            return
        telling = {key: v for key, v in labels_of(item).items() if is_telling_label(str(key))}
        offered = member(item, "status", "capacity", "nvidia.com/gpu")
        labels = {**telling, **({OFFERED: str(offered)} if offered is not None else {})}
        made = f"{member(item, 'metadata', 'creationTimestamp')} {sorted(labels.items())}"
        if name not in self._labels_of or made > self._labels_of[name][0]:
            self._labels_of[name] = (made, labels)

    def labels(self, node: str | None) -> Mapping[str, str]:
        """Return the labels of a node, none of one that was not listed."""
        return self._labels_of[node][1] if node in self._labels_of else {}


@dataclass
class PodRows:
    """Rows taken so far, in pieces of columns: text and categories, not objects."""

    _records: list[PodRecord] = field(default_factory=list)
    _lines: list[int] = field(default_factory=list)
    _pieces: list[pd.DataFrame] = field(default_factory=list)
    _owners: _Distinct[PodOwner] = field(default_factory=_Distinct)
    _devices: _Distinct[Devices] = field(default_factory=_Distinct)

    def add(self, record: PodRecord, line: int) -> None:
        """Take one pod."""
        self._records.append(record)
        self._lines.append(line)
        if len(self._records) >= _N_ROWS_OF_PIECE:
            self._close()

    def _close(self) -> None:
        rows: dict[str, object] = {
            name: _column([getattr(record, name) for record in self._records], _DTYPE_OF[name])
            for name in _AS_READ
        }
        for name in _INSTANTS:
            moments = [getattr(record, f"{name}_us") for record in self._records]
            rows[f"{name}_utc"] = _instants(moments)
        rows["line"] = _column(self._lines, WHOLE)
        owners = [self._owners.code(record.owner) for record in self._records]
        devices = [self._devices.code(record.devices) for record in self._records]
        rows[_OWNER], rows[_DEVICES] = np.array(owners, "int32"), np.array(devices, "int32")
        self._pieces.append(pd.DataFrame(rows))
        self._records, self._lines = [], []

    def frames(
        self, nodes: KnownNodes, owners: KnownOwners, seen_us: int | None
    ) -> Iterator[pd.DataFrame]:
        """Hand on what there is as frames of `PODS`, with their owners and accelerators."""
        if self._records or not self._pieces:
            self._close()
        self._learn_owning_pods(owners)
        for place, piece in enumerate(self._pieces):
            self._pieces[place] = pd.DataFrame()
            frame = self._with_owners(piece, owners)
            frame = self._with_accelerators(frame, nodes)
            frame["seen_utc"] = _instants([seen_us]).repeat(len(frame)).reset_index(drop=True)
            yield check(frame[names(PODS)], PODS)

    def _learn_owning_pods(self, owners: KnownOwners) -> None:
        """Take the owners of pods that own pods (a driver and its executors)."""
        controllers = (owner.controller for owner in self._owners.words)
        wanted = {ref.uid for ref in controllers if ref is not None and ref.kind == "Pod"}
        for piece in self._pieces if wanted else ():
            found = piece[piece["uid"].isin(wanted)]
            for uid, code in zip(found["uid"], found[_OWNER], strict=True):
                owners.learn_of(uid, self._owners.words[code].controller, None)

    def _with_owners(self, piece: pd.DataFrame, owners: KnownOwners) -> pd.DataFrame:
        codes, places = np.unique(piece[_OWNER].to_numpy(), return_inverse=True)
        found = [owners.topmost(self._owners.words[code]) for code in codes]
        own, above = piece["queue"].cat, [one.queue for one in found]
        words = [*own.categories, *above, None]
        own_places = own.codes.to_numpy().astype(np.intp)
        queue_places = np.where(own_places < 0, len(own.categories) + places, own_places)
        return piece.assign(
            owner_kind=_taken([one.kind for one in found], places),
            owner_name=_column([one.name for one in found], TEXT).take(places).array,
            queue=_taken(words, queue_places),
        )

    def _with_accelerators(self, piece: pd.DataFrame, nodes: KnownNodes) -> pd.DataFrame:
        node = piece["node"].cat
        pairs = piece[_DEVICES].to_numpy().astype(np.int64) * (len(node.categories) + 1)
        distinct, places = np.unique(pairs + node.codes.to_numpy() + 1, return_inverse=True)
        node_names = [None, *node.categories]
        held = []
        for pair in distinct.tolist():
            code, node_code = divmod(pair, len(node_names))
            devices = self._devices.words[code]
            labels = nodes.labels(node_names[node_code])
            held.append(accelerators_held(dict(devices.asked), labels, dict(devices.wished)))
        return piece.assign(
            n_gpu=np.array([one.n_gpu for one in held], dtype=np.float64)[places],
            gpu_types=_taken([one.gpu_types for one in held], places),
        )


def _column(values: Sequence[object], dtype: str) -> pd.Series:
    if dtype == CATEGORY:
        return pd.Series(_taken(*_coded(values)))
    if dtype == NUMBER:
        return pd.Series(np.array([np.nan if v is None else v for v in values], dtype=np.float64))
    if dtype in {WHOLE, FLAG}:
        return pd.Series(np.array(values, dtype=np.int64 if dtype == WHOLE else np.bool_))
    return pd.Series(list(values), dtype="str")


def _coded(values: Sequence[object]) -> tuple[list[str | None], NDArray[np.intp]]:
    distinct: _Distinct[Any] = _Distinct()
    codes = np.array([distinct.code(value) for value in values], dtype=np.intp)
    return distinct.words, codes


def _taken(words: Sequence[str | None], places: NDArray[np.intp]) -> pd.Categorical:
    """Return the words at the places as categories; None is missing."""
    kept = list(dict.fromkeys(word for word in words if word is not None))
    position = {word: code for code, word in enumerate(kept)}
    code_of = np.array([-1 if w is None else position[w] for w in words], dtype=np.int32)
    dtype = pd.CategoricalDtype(pd.Index(kept, dtype="str"))
    codes = code_of[places] if len(words) else np.empty(0, dtype=np.int32)
    return pd.Categorical.from_codes(codes, dtype=dtype)


def _instants(moments: Sequence[int | None]) -> pd.Series:
    numbers = [_MISSING_US if moment is None else moment for moment in moments]
    return pd.Series(np.array(numbers, dtype=np.int64).view("datetime64[us]")).dt.tz_localize("UTC")
