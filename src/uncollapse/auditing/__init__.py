"""Is this corpus healthy, where not, and how sure is that.

What comes in: a corpus, and human text to hold it against. The reference is dealt into two halves again and again: one
is what everything is held against, the other is the control (`controls`). Each statistic of the panel is taken of the
corpus and of the control, so that it comes with what fresh human text would have given (`panel`, `compared`). Limits
in one place (`thresholds`) make verdicts of them (`verdicts`), with the documents and phrases behind them (`evidence`).

What goes out: an `Audit`, which is a report of plain numbers, a table of offenders, and a page.
"""

from uncollapse.auditing.audit import Audit, Auditor, Hands, Options, Stage, audit, rank
from uncollapse.auditing.verdicts import Failing, Status, Verdict

__all__ = ["Audit", "Auditor", "Failing", "Hands", "Options", "Stage", "Status", "Verdict", "audit", "rank"]
