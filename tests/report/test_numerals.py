import pytest

from uncollapse.report.numerals import NO_BREAK_SPACE, NONE, count, probability, share


@pytest.mark.parametrize(
    ("part", "whole", "written"),
    [
        (0, 7, "0 %"),
        (7, 7, "100 %"),
        (1, 8, "12.5 %"),
        (136, 10_000, "1.36 %"),
        (29, 10_000, "0.29 %"),
        (7, 100_000, "0.0070 %"),
        (1, 1_000_000_000, "0.00000010 %"),
        (11, 12, "91.7 %"),
        (30, 8, "375 %"),
        (9_997, 10_000, "99.970 %"),
        (999_999, 1_000_000, "99.99990 %"),
        (-1, 4, "-25.0 %"),
        (3, 0, NONE),
        (0, 0, NONE),
    ],
)
def test_a_share_has_as_many_digits_as_tell_it_from_nothing_and_from_all(part: int, whole: int, written: str) -> None:
    assert share(part, whole) == written.replace(" ", NO_BREAK_SPACE)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.0, "0.0000"),
        (1e-9, "< 0.0001"),
        (0.00005, "0.0001"),
        (0.31244, "0.3124"),
        (0.99, "0.9900"),
        (0.99994, "0.9999"),
        (0.99996, "> 0.9999"),
        (1.0, "1.0000"),
    ],
)
def test_only_certainty_is_written_as_certainty(value: float, written: str) -> None:
    assert probability(value) == written


def test_thousands_are_set_apart() -> None:
    assert count(1_234_567) == "1,234,567"
