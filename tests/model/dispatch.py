# SPDX-License-Identifier: Apache-2.0
"""Exhaustive model of what happens to one call when the balancer is killed: one frontend, two upstreams.

At a kill every prefix of what is on its way from the balancer and every suffix of what is on its way to it may be lost.
Each rule of the protocol is a switch, so that a test can show what breaks without it:

    addressed   a CALL names the balancer incarnation it is meant for
    barrier     the balancer re-places calls only after all upstreams have reported
    known       the balancer says which calls are held before the frontend offers the others again
    fenced      an upstream refuses a JOB of a balancer other than the one that welcomed it last
    kept        an upstream holds a call until the frontend has acknowledged its END
    memorised   the balancer remembers what was reported held until it has told the frontend
"""
from collections import deque
from typing import NamedTuple, Optional

UPSTREAMS = (0, 1)


class Rules(NamedTuple):
    addressed: bool = True
    barrier: bool = True
    known: bool = True
    fenced: bool = True
    kept: bool = True
    memorised: bool = True


class State(NamedTuple):
    is_open: bool = True          # frontend: the call has no END yet
    obeyed: int = 1               # frontend: incarnation whose KNOWN it has obeyed
    incarnation: int = 1          # balancer
    table: object = None          # balancer: upstream that holds the call, 'ended' or None
    reported: frozenset = frozenset(UPSTREAMS)  # balancer: upstreams that have reported to this incarnation
    hello: str = "told"           # balancer: the frontend's HELLO: none, heard, told (KNOWN is out)
    fb: tuple = (("CALL", 1),)    # on their way: frontend to balancer …
    bf: tuple = ()
    fence: tuple = (1, 1)         # per upstream: incarnation that welcomed it
    job: tuple = ("none", "none")  # per upstream: none, running, ended
    bu: tuple = ((), ())
    ub: tuple = ((), ())
    uf: tuple = ((), ())
    fu: tuple = ((), ())
    runs: int = 0                 # how often an upstream has started the call
    kills_left: int = 1


def put(queues, i, letter):
    return queues[:i] + (queues[i] + (letter,),) + queues[i + 1:]


def pop(queues, i):
    return queues[:i] + (queues[i][1:],) + queues[i + 1:]


def at(values, i, value):
    return values[:i] + (value,) + values[i + 1:]


def balancer_reads_frontend(s, r):
    if not s.fb:
        return
    letter, s = s.fb[0], s._replace(fb=s.fb[1:])
    if letter[0] == "HELLO":
        yield s._replace(hello="heard", bf=s.bf + (("WELCOME", s.incarnation),))
    elif (r.addressed and letter[1] != s.incarnation) or s.table is not None:
        yield s
    else:
        is_full = s.reported == frozenset(UPSTREAMS)
        if not s.reported or (r.barrier and not is_full):
            return  # the letter waits
        for i in s.reported:
            yield s._replace(table=i, bu=put(s.bu, i, ("JOB", s.incarnation)))


def balancer_says_known(s, r):
    if r.known and s.hello == "heard" and s.reported == frozenset(UPSTREAMS):
        yield s._replace(hello="told", table=None if s.table == "ended" else s.table,
                         bf=s.bf + (("KNOWN", s.incarnation, s.table is not None),))


def frontend_reads_balancer(s, r):
    if not s.bf:
        return
    letter, s = s.bf[0], s._replace(bf=s.bf[1:])
    is_current = letter[1] == s.incarnation
    if is_current and letter[0] == "KNOWN":
        if s.is_open and not letter[2] and s.obeyed < letter[1]:
            s = s._replace(fb=s.fb + (("CALL", letter[1]),))
        s = s._replace(obeyed=max(s.obeyed, letter[1]))
    yield s


def upstream_steps(s, r, i):
    if s.bu[i]:
        letter, after = s.bu[i][0], s._replace(bu=pop(s.bu, i))
        if letter[0] == "JOB":
            takes = s.job[i] == "none" and (not r.fenced or letter[1] == s.fence[i])
            yield after._replace(job=at(s.job, i, "running"), runs=s.runs + 1) if takes else after
        else:
            yield after._replace(fence=at(s.fence, i, letter[1]),
                                 ub=put(s.ub, i, ("REPORT", letter[1], s.job[i] != "none")))
    if s.job[i] == "running":
        yield s._replace(job=at(s.job, i, "ended" if r.kept else "none"),
                         ub=put(s.ub, i, ("OUTCOME",)), uf=put(s.uf, i, "END"))
    if s.uf[i]:
        yield s._replace(is_open=False, uf=pop(s.uf, i), fu=put(s.fu, i, "ACK"))
    if s.fu[i]:
        job = at(s.job, i, "none") if s.job[i] == "ended" else s.job
        yield s._replace(job=job, fu=pop(s.fu, i))


def balancer_reads_upstream(s, r, i):
    if not s.ub[i]:
        return
    letter, s = s.ub[i][0], s._replace(ub=pop(s.ub, i))
    if letter[0] == "HELLO":
        yield s._replace(bu=put(s.bu, i, ("WELCOME", s.incarnation)))
    elif letter[0] == "REPORT":
        if letter[1] == s.incarnation:
            s = s._replace(table=i if letter[2] else s.table, reported=s.reported | {i})
        yield s
    else:
        remembers = r.memorised and r.known and s.hello != "told"
        yield s._replace(table=("ended" if remembers else None) if s.table == i else s.table)


def cuts(queue, keeps_front):
    """What may be left of a queue whose one end has died."""
    for k in range(len(queue) + 1):
        yield queue[:k] if keeps_front else queue[k:]


def kill(s):
    if not s.kills_left:
        return
    fresh = s._replace(incarnation=s.incarnation + 1, table=None, reported=frozenset(), hello="none",
                       kills_left=s.kills_left - 1)
    for fb in cuts(s.fb, False):
        for bf in cuts(s.bf, True):
            for bu in ((a, b) for a in cuts(s.bu[0], True) for b in cuts(s.bu[1], True)):
                for ub in ((a, b) for a in cuts(s.ub[0], False) for b in cuts(s.ub[1], False)):
                    yield fresh._replace(fb=fb + (("HELLO",),), bf=bf, bu=bu,
                                         ub=tuple(q + (("HELLO",),) for q in ub))


def steps(s, r):
    yield from balancer_reads_frontend(s, r)
    yield from balancer_says_known(s, r)
    yield from frontend_reads_balancer(s, r)
    for i in UPSTREAMS:
        yield from upstream_steps(s, r, i)
        yield from balancer_reads_upstream(s, r, i)
    yield from kill(s)


class Result(NamedTuple):
    states: int
    run_twice: Optional[State]
    stuck: Optional[State]


def explore(rules, kills):
    first = State(kills_left=kills)
    seen, todo = {first}, deque([first])
    run_twice = stuck = None
    while todo:
        state = todo.popleft()
        following = list(steps(state, rules))
        if not following and state.is_open:
            stuck = stuck or state
        for after in following:
            if after not in seen:
                seen.add(after)
                todo.append(after)
                if after.runs > 1:
                    run_twice = run_twice or after
    return Result(len(seen), run_twice, stuck)
