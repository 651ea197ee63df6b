from uncollapse.report.tables import Account, Entry, Table


def test_an_account_that_adds_up_says_so() -> None:
    account = Account(whole=Entry("rows read", 10), parts=[Entry("written", 7), Entry("dropped", 3, "3 empty")])
    assert account.missing == 0
    assert "it adds up" in account.markup()
    assert "<td>70.0\N{NO-BREAK SPACE}%</td>" in account.markup()


def test_an_account_that_does_not_add_up_shows_the_sum_it_has() -> None:
    account = Account(whole=Entry("rows read", 10), parts=[Entry("written", 7), Entry("dropped", 4)])
    assert account.missing == -1
    assert "does not add up" in account.markup()
    assert "<td>11</td>" in account.markup()


def test_cells_are_escaped() -> None:
    table = Table(caption='"><script>', columns=("<i>", "n"), rows=[("<b>", "\x00")])
    assert "<script>" not in table.markup()
    assert '<th scope="row">&lt;b&gt;</th>' in table.markup()
    assert ">U+0000<" in table.markup()
