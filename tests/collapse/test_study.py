"""Studies: pieces in processes of their own, kept once done."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pytest

from uncollapse.collapse.study import studied
from uncollapse.errors import InputError, OutputRefused, RecipeDiffers


@dataclass(frozen=True)
class Square:
    """A piece that squares its number, and says which process did it."""

    index: int
    dies: bool = False
    refuses: bool = False

    @property
    def name(self) -> str:
        return f"square-{self.index}"

    def work(self, folder: Path) -> Iterator[str | pa.Table]:
        yield "begun"
        marks = folder / "marks"
        marks.write_text(marks.read_text() + "x" if marks.exists() else "x")
        if self.dies and marks.read_text() == "x":
            os.abort()
        if self.refuses:
            raise InputError("there is nothing to square", hint="give a number")
        import torch

        yield pa.table(
            {"square": [self.index**2], "starts": [len(marks.read_text())], "threads": [torch.get_num_threads()]}
        )


def test_every_piece_has_its_table_and_one_thread_however_many_are_worked_at_once(tmp_path):
    pieces = [Square(index) for index in range(4)]
    for workers in (1, 3):
        found = studied(pieces, tmp_path / str(workers), claim={}, workers=workers, reached=str)
        assert [found[f"square-{index}"].to_pydict() for index in range(4)] == [
            {"square": [index**2], "starts": [1], "threads": [1]} for index in range(4)
        ]


def test_what_is_done_is_not_worked_again_and_more_may_be_asked(tmp_path):
    heard: list[str] = []
    studied([Square(1)], tmp_path / "s", claim={"seeds": 3}, workers=1, reached=heard.append)
    assert heard == ["0 of 1 done; square-1: begun", "1 of 1 done"]
    heard.clear()
    found = studied([Square(1), Square(2)], tmp_path / "s", claim={"seeds": 3}, workers=1, reached=heard.append)
    assert heard == ["1 of 2 done; square-2: begun", "2 of 2 done"]
    assert set(found) == {"square-1", "square-2"}
    assert sorted(path.name for path in (tmp_path / "s/pieces").iterdir()) == [
        "claim.json",
        "square-1.parquet",
        "square-2.parquet",
    ]


def test_the_folder_of_a_piece_that_has_its_table_is_swept_and_that_of_another_stays(tmp_path):
    studied([Square(1)], tmp_path / "s", claim={}, workers=1, reached=str)
    for name in ("square-1", "square-9"):
        (tmp_path / f"s/pieces/{name}.work").mkdir()
        (tmp_path / f"s/pieces/{name}.work/marks").write_text("x")
    studied([Square(1)], tmp_path / "s", claim={}, workers=1, reached=str)
    assert [path.name for path in (tmp_path / "s/pieces").glob("*.work")] == ["square-9.work"]


def test_a_process_that_dies_is_replaced_and_finds_what_it_had(tmp_path):
    heard: list[str] = []
    found = studied([Square(3, dies=True)], tmp_path / "s", claim={}, workers=1, reached=heard.append)
    assert found["square-3"].to_pydict()["starts"] == [2]
    assert "0 of 1 done; a process was lost and its piece is tried again" in heard


def test_a_refusal_ends_the_study_and_keeps_what_is_done(tmp_path):
    with pytest.raises(InputError, match="nothing to square"):
        studied([Square(1), Square(2, refuses=True)], tmp_path / "s", claim={}, workers=1, reached=str)
    assert (tmp_path / "s/pieces/square-1.parquet").exists()


def test_another_study_and_other_files_are_refused(tmp_path):
    studied([Square(1)], tmp_path / "s", claim={"text": "a", "seeds": 3}, workers=1, reached=str)
    with pytest.raises(RecipeDiffers, match=r"other text$"):
        studied([Square(1)], tmp_path / "s", claim={"text": "b", "seeds": 3}, workers=1, reached=str)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputRefused, match="is a file"):
        studied([Square(1)], tmp_path / "file", claim={}, workers=1, reached=str)
    (tmp_path / "other").mkdir()
    (tmp_path / "other/file").write_text("")
    with pytest.raises(OutputRefused, match="no study has written"):
        studied([Square(1)], tmp_path / "other", claim={}, workers=1, reached=str)
