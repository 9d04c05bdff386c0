"""Which job ends its process: suspicion after a crash, and how few may run together with a suspect.

A process that dies leaves its jobs held under its name. Any of them may have done it (a file that takes all memory, a
fault in a library), or none (a power cut, a deployment, the kernel's choice). A kill by itself is therefore no failed
attempt of anybody. What is known is who ran: the group.

- The group of a crash are all jobs that the dead process held, running or being looked after while they wait.
- After a first crash all go on as before: most crashes have no culprit, and nobody shall wait for nothing.
- From its second crash in a row on, each of a group of n runs among at most n // 2 jobs of a process, itself included
  (`company`). A job that ends processes is in every group, so groups around it halve: after log2(slots) further crashes
  it runs alone. The others mostly run with somebody else, end well, and are suspects no more.
- A crash with a group of one is the only thing that speaks against a job: `alone` counts those in a row. Once it has
  reached `bot.max_attempts` the job is given up. A run that ends in any other way (done, failed, put back by the
  platform's fault) clears the job of everything. An orderly shutdown proves nothing and clears nothing.
- After its second crash in a row a suspect pauses, longer each time. So others come first, a storm of kills that are
  nobody's fault names many jobs once and not one job often, and a job that kills does so less and less often.

Termination: a crash that some job causes either halves the group that may run around it or is counted against it alone,
so p such jobs cause at most p * (log2(slots) + 2 + max_attempts) crashes. A job that ends no process is given up only
if kills from outside hit it `max_attempts` times in a row while nothing else ran.

Suspects prefer quiet moments: where too many run already, others are begun before a suspect, but once it has been due
for `OVERDUE_S` nothing is begun before it, so that the process empties until it fits.

Several replicas: the group is told by the name (`owner`) under which jobs are held, and an owner counts as dead when
all its leases have run out (the heartbeat renews them together). The group is read first and each row changed only if
its fence and lease are still those that were read, in one transaction: of two replicas that find the same dead one, one
changes the rows, the other none. With SQLite a process that starts is alone by lock, and whatever is held is of the
dead. A process that stood still past its leases counts as crashed; its jobs are cleared by their next run.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, case, select, text, update

from bot.inbox.positions import is_open, is_running
from bot.storage.tables import jobs
from feishu.clock import backoff_s

CRASHED = "the process that ran it ended"
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
OVERDUE_S = 10.0
ANY = 1 << 30
"""A company without a limit."""
CLEARED = {"crashes": 0, "alone": 0, "company": 0}
"""What a run that ended by itself makes of a suspect."""

_is_held = text("jobs.lease_until > 0")
_PAUSES = {0: 0.0, **{n: backoff_s(n, first_s=FIRST_PAUSE_S, longest_s=LONGEST_PAUSE_S) for n in range(1, 8)}}


def dead_owners(connection: Connection, now: ColumnElement[float], me: str) -> list[str]:
    """Others who let a lease of a running job run out, and hold none that has not."""
    lapsed = select(jobs.c.owner).where(is_running, jobs.c.lease_until < now, jobs.c.owner != me).distinct()
    suspected = list(connection.scalars(lapsed))
    if not suspected:
        return []
    alive = select(jobs.c.owner).where(is_open, jobs.c.owner.in_(suspected), jobs.c.lease_until >= now)
    return sorted({*suspected} - {*connection.scalars(alive)})


def requeue_orphans(connection: Connection, now: ColumnElement[float], owners: Iterable[str]) -> int:
    """Puts back what dead `owners` held, as suspects; how many jobs that are."""
    return sum(_requeue_group(connection, now, owner) for owner in owners)


def all_owners(connection: Connection) -> list[str]:
    """Everybody who holds anything, dead or not."""
    return list(connection.scalars(select(jobs.c.owner).where(is_open, _is_held).distinct()))


def _requeue_group(connection: Connection, now: ColumnElement[float], owner: str) -> int:
    held = select(jobs.c.id, jobs.c.fence, jobs.c.lease_until).where(is_open, _is_held, jobs.c.owner == owner)
    group = connection.execute(held).all()
    suspicion = {
        "crashes": jobs.c.crashes + 1,
        "alone": jobs.c.alone + int(len(group) == 1),
        "company": case((jobs.c.crashes > 0, max(1, len(group) // 2)), else_=0),
        "attempt": case((is_running, jobs.c.attempt - 1), else_=jobs.c.attempt),
        "state": "queued",
        "reason": CRASHED,
        "lease_until": 0.0,
        "run_after": now + case(_PAUSES, value=jobs.c.crashes, else_=LONGEST_PAUSE_S),
    }
    changed = 0
    for row in group:
        same = (jobs.c.id == row.id) & (jobs.c.fence == row.fence) & (jobs.c.lease_until == row.lease_until)
        changed += connection.execute(update(jobs).where(same, is_open).values(suspicion)).rowcount
    return changed


def fitting(found: Iterable[Row[Any]], *, running: int, most: int) -> list[Row[Any]]:
    """Of claimable rows (oldest first, with `company` and `overdue`) those that may be begun where `running` jobs run
    and at most `most` may run together."""
    taken: list[Row[Any]] = []
    for row in found:
        together = min(most, row.company or ANY)
        if running + len(taken) < together:
            taken.append(row)
            most = together
        elif row.overdue:
            break
    return taken


def most_together(companies: Iterable[int]) -> int:
    """How many may run in a process where jobs of these companies run."""
    return min((company for company in companies if company), default=ANY)
