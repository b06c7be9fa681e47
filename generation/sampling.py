"""Asks a scene: spreads questions over types and views, and keeps answers even."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

import numpy as np

from generation.engines import Session
from generation.proof import doubt
from generation.question import Question, Skip
from generation.questions import QUESTION_TYPES
from generation.scene import Observation
from generation.sight import see
from generation.views import Stage, open_stage

ATTEMPTS_PER_QUESTION = 40
"""Views that are tried for a question of a type that makes its views to order."""
MAX_PER_FRAME = 4
"""Questions of types that ask about single pictures, per picture."""
VIEW = "view"
"""Type of the skips of views that are not worth asking about."""


@dataclass(frozen=True)
class SceneQuestions:
    """What a scene was asked."""

    questions: tuple[Question, ...]
    skips: tuple[Skip, ...]


@dataclass
class _Asked:
    """The questions so far."""

    questions: list[Question] = field(default_factory=list)
    skips: list[Skip] = field(default_factory=list)
    topics: set[tuple[str, str]] = field(default_factory=set)

    def keep(self, question: Question) -> bool:
        """Keep a question unless the scene was asked about the same, or its proof fails."""
        topic = (question.question_type, question.topic)
        reason = "asked about the same before" if topic in self.topics else doubt(question)
        if reason is not None:
            self.skips.append(Skip(question.question_type, reason))
            return False
        self.topics.add(topic)
        self.questions.append(question)
        return True


def ask_scene(
    session: Session,
    types: Sequence[str],
    count: int,
    rng: np.random.Generator,
    weights: Mapping[str, float] | None = None,
) -> SceneQuestions:
    """Ask a scene about `count` questions, spread evenly over the types.

    Args:
        session: A loaded scene; it is left in the state it is in.
        types: Names of QUESTION_TYPES.
        count: Fewer come back where the scene does not give as many.
        rng: The same generator on the same scene gives the same questions.
        weights: By type, how many times its even share it gets; 1 where absent.
    """
    view_rng, quota_rng, pool_rng, *type_rngs = rng.spawn(3 + len(QUESTION_TYPES))
    rng_of = dict(zip(QUESTION_TYPES, type_rngs, strict=True))
    stage = open_stage(session, view_rng)
    asked = _Asked(skips=[Skip(VIEW, reason) for reason in stage.rejected])
    quotas = _quotas(types, count, quota_rng, weights or {})
    to_order = [name for name in quotas if not QUESTION_TYPES[name].from_pool]
    for name in sorted(to_order, key=lambda name: not QUESTION_TYPES[name].aims):
        stage = _ask_to_order(stage, name, quotas[name], asked, rng_of[name])
    from_pool = {name: quotas[name] for name in quotas if QUESTION_TYPES[name].from_pool}
    if from_pool:
        missing = sum(quotas[name] for name in to_order) - len(asked.questions)
        _ask_pool(stage, from_pool, missing, asked, rng_of, pool_rng)
    place = list(QUESTION_TYPES).index
    ordered = sorted(asked.questions, key=lambda question: place(question.question_type))
    return SceneQuestions(tuple(ordered), tuple(asked.skips))


def _quotas(
    types: Sequence[str], count: int, rng: np.random.Generator, weights: Mapping[str, float]
) -> dict[str, int]:
    """Share out questions; what does not divide evenly goes to types at random."""
    shares = np.array([max(0.0, weights.get(name, 1.0)) for name in types])
    if not len(shares) or shares.sum() == 0:
        return {}
    wanted = count * shares / shares.sum()
    quotas = np.floor(wanted).astype(int)
    rest = wanted - quotas
    left = count - int(quotas.sum())
    if left:
        chosen = rng.choice(len(quotas), size=left, replace=False, p=rest / rest.sum())
        quotas[chosen] += 1
    return {name: int(quota) for name, quota in zip(types, quotas, strict=True)}


def _ask_to_order(
    stage: Stage, name: str, quota: int, asked: _Asked, rng: np.random.Generator
) -> Stage:
    """Ask questions whose views are made to order, and put their pictures first in the pool."""
    kind = QUESTION_TYPES[name]
    kept = 0
    views = kind.sample(stage, rng) if quota else iter(())
    shown: list[Observation] = []
    for view in islice(views, ATTEMPTS_PER_QUESTION * quota):
        found = [view] if isinstance(view, Skip) else list(kind.ask(view, rng))
        asked.skips += [item for item in found if isinstance(item, Skip)]
        questions = [item for item in found if isinstance(item, Question)]
        for question in questions[:1]:
            if asked.keep(question):
                kept += 1
                shown.append(question.frames[0])
        if kept == quota:
            break
    return _shown_first(stage, shown)


def _shown_first(stage: Stage, shown: Iterable[Observation]) -> Stage:
    known = {id(seen.observation): seen for seen in stage.pool}
    first = {id(frame): known.get(id(frame)) or see(frame) for frame in shown}
    rest = [seen for key, seen in known.items() if key not in first]
    return replace(stage, pool=(*first.values(), *rest))


def _ask_pool(
    stage: Stage,
    quotas: Mapping[str, int],
    extra: int,
    asked: _Asked,
    rng_of: Mapping[str, np.random.Generator],
    rng: np.random.Generator,
) -> None:
    """Ask about single pictures, those first whose colours are rendered anyway.

    What other types cannot give falls first to the type that has the fewest candidates here:
    other scenes will have none.
    """
    candidates = {
        name: _candidates(stage, name, asked, rng_of[name])
        for name in quotas
        if quotas[name] or extra
    }
    slots = [name for name in quotas for _ in range(quotas[name])]
    slots = [slots[i] for i in rng.permutation(len(slots))]
    offers = {name: sum(map(len, offered.values())) for name, offered in candidates.items()}
    rarest_first = sorted(offers, key=lambda name: offers[name])
    spare = [name for _ in range(len(slots) + extra) for name in rarest_first]
    missing, used = extra, Counter[int]()
    for number, name in enumerate([*slots, *spare]):
        if number >= len(slots) and missing <= 0:
            break
        kept = _ask_one(candidates.get(name, {}), used, asked, rng, len(stage.pool))
        missing += (not kept) if number < len(slots) else -int(kept)


def _candidates(
    stage: Stage, name: str, asked: _Asked, rng: np.random.Generator
) -> dict[int, list[Question]]:
    """Return questions by the place of their picture in the pool, with even answers."""
    kind = QUESTION_TYPES[name]
    found: list[tuple[int, Question]] = []
    for place, view in enumerate(kind.sample(stage, rng)):
        for item in kind.ask(view, rng):
            if isinstance(item, Skip):
                asked.skips.append(item)
            else:
                found.append((place, item))
    truths = Counter(
        (item.balance.subject, item.balance.truth) for _, item in found if item.balance
    )
    kept: dict[int, list[Question]] = defaultdict(list)
    for place, item in found:
        if rng.random() < _chance_to_keep(item, truths):
            kept[place].append(item)
        else:
            asked.skips.append(Skip(name, "evens out the answers"))
    return kept


def _chance_to_keep(question: Question, truths: Mapping[tuple[str, str], int]) -> float:
    """Return the chance at which all truths about a subject are kept equally often."""
    balance = question.balance
    if balance is None:
        return 1.0
    rarest = min(truths.get((balance.subject, truth), 0) for truth in balance.truths)
    return rarest / truths[balance.subject, balance.truth]


def _ask_one(
    candidates: dict[int, list[Question]],
    used: Counter[int],
    asked: _Asked,
    rng: np.random.Generator,
    pool_size: int,
) -> bool:
    """Keep one question about the first picture that offers one; all its styles are as likely.

    Where a type made views of its own they come last and show other truths than the pool does, so
    that the order would tell: then all pictures are drawn from alike.
    """
    in_order = all(place < pool_size for place in candidates)
    groups = [[place] for place in sorted(candidates)] if in_order else [sorted(candidates)]
    for places in groups:
        offered = [(place, item) for place in places for item in candidates[place]]
        while offered := [(p, item) for p, item in offered if used[p] < MAX_PER_FRAME]:
            styles = sorted({_style(item) for _, item in offered})
            style = styles[rng.integers(len(styles))]
            same = [i for i, (_, item) in enumerate(offered) if _style(item) == style]
            place, item = offered.pop(same[rng.integers(len(same))])
            candidates[place] = [other for other in candidates[place] if other is not item]
            if asked.keep(item):
                used[place] += 1
                return True
    return False


def _style(question: Question) -> tuple[str, bool, int]:
    """Return what tells rare questions from frequent ones: kind, marks, number of options."""
    return str(question.evidence["kind"]), bool(question.marks), len(question.options)
