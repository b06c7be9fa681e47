"""Reply to option index: the one place where a model's reply is read.

A reply is read in ranks, from what states an answer most plainly to what merely names one
option. The first rank that says anything decides; if it says two things, the reading is None.
A reading is never a guess.

    1. the whole reply is a label, an option, or a label with its own option
    2. a boxed, tagged or "final" answer, or an answer statement on the last line
    3. an answer statement: "Answer: B", "the answer is B", {"answer": "B"}, "I choose B"
    4. a label or option at the start ("B. Because ..."), alone at the end, or after "therefore"
    5. the only option that is named anywhere, in a reply that neither refuses nor denies
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from sat_tasks import phrases
from sat_tasks.clauses import (
    UNCLEAR,
    Offered,
    clause_at,
    denies,
    is_pair,
    listed,
    main_clause,
    mentions,
    opens_sentence,
    prepare,
    value_of,
)
from sat_tasks.prompt import UNLABELLED
from sat_tasks.protocol import Style
from sat_tasks.wording import last_words, normal_form

MOST_WORDS_NAMING = 30
"""A longer reply has to state its answer."""
MOST_WORDS_UNFINISHED = 12
"""A longer reply that does not end like a sentence was cut off."""


def read_reply(reply: str | None, options: Sequence[str], style: Style = "letters") -> int | None:
    """Return which option a reply chooses, or None if that is not plain.

    Args:
        reply: What the model said.
        options: The options in the order in which they were offered.
        style: How they were offered; without letters, a letter chooses nothing.
    """
    return _read(reply or "", tuple(options), style not in UNLABELLED)


@lru_cache(maxsize=1 << 14)
def _read(reply: str, options: tuple[str, ...], labelled: bool) -> int | None:
    prepared = prepare(options, labelled)
    text = last_words(reply)
    for rank in (_whole, _final, _stated, _placed, _named):
        found = set(rank(text, prepared))
        if found:
            reading = found.pop()
            return None if found or reading == UNCLEAR else reading
    return None


def _whole(text: str, options: Offered) -> Iterator[int]:
    """The whole reply is a label, an option, or a label with its option."""
    bare = text.strip(" .,:;!\n()[]{}")
    if bare.upper() in options.labels:
        yield options.index(bare)
    elif normal_form(bare).strip(" .") in options.texts:
        yield options.texts.index(normal_form(bare).strip(" ."))
    elif match := re.match(options.label + r"\s*[.:,)-]*\s*", text):
        rest = normal_form(text[match.end() :]).strip(" .!()[]")
        if rest in options.texts:
            agrees = options.texts.index(rest) == options.index(match["label"])
            yield options.index(match["label"]) if agrees else UNCLEAR


def _final(text: str, options: Offered) -> Iterator[int]:
    """A boxed, tagged or final answer, or an answer statement on the last line."""
    for inner in re.findall(r"<final>(.*?)</final>", text, flags=re.S):
        yield from value_of(inner, options) or [UNCLEAR]
    for match in phrases.FINAL.finditer(text):
        yield from value_of(clause_at(text, match.end()), options)
    lines = text.splitlines()
    if len(lines) > 1:
        last = set(_stated(lines[-1], options))
        earlier = {
            reading
            for line in lines[:-1]
            if phrases.STATED.match(line.strip())
            for reading in _stated(line, options)
        }
        yield from last | earlier if last else ()


def _stated(text: str, options: Offered) -> Iterator[int]:
    """Statements of an answer."""
    for match in phrases.STATED.finditer(text):
        if not phrases.HEDGED.search(text[: match.start()]):
            yield from value_of(clause_at(text, match.end()), options)
    for match in re.finditer(options.label + phrases.ENDORSED, text):
        if not phrases.HEDGED.search(text[: match.start()]):
            yield options.index(match["label"])


def _placed(text: str, options: Offered) -> Iterator[int]:
    """A label or option at the start, alone on the last line, or in a conclusion."""
    if match := re.match(options.label + phrases.AFTER_LABEL, text):
        several = is_pair(text[match.end() :], options) or len(listed(text, options)) > 1
        yield UNCLEAR if several else options.index(match["label"])
    normal = main_clause(normal_form(text))
    for index, option in enumerate(options.texts):
        verdict = option in phrases.VERDICTS
        after = phrases.AFTER_VERDICT if verdict else phrases.AFTER_OPTION
        opening = re.match(re.escape(option) + after, normal) if option else None
        if opening:
            others = mentions(normal[opening.end() :], options) - {index}
            yield UNCLEAR if others and not verdict else index
    lines = text.splitlines()
    if len(lines) > 1:
        yield from _whole(lines[-1].strip(), options)
    for match in phrases.CONCLUDED.finditer(text):
        yield from value_of(clause_at(text, match.end()), options)


def _named(text: str, options: Offered) -> Iterator[int]:
    """The options that are named anywhere, in a short reply that neither refuses nor denies.

    A long or unfinished text that names one option is more likely to describe than to answer.
    """
    if not set(options.texts) & set(phrases.VERDICTS):
        text = phrases.INTERJECTION.sub("", text)
    count = len(text.split())
    finished = count <= MOST_WORDS_UNFINISHED or text.endswith((".", "!", ")"))
    if count > MOST_WORDS_NAMING or not finished:
        return
    if "?" in text or phrases.REFUSED.search(text) or denies(text, options):
        return
    yield from mentions(main_clause(normal_form(text)), options)
    for option in options.texts:
        text = re.sub(rf"(?<!\w){re.escape(option)}(?!\w)", " ", text, flags=re.I)
    for match in re.finditer(options.label, text):
        bracketed = match[0][0] in "(["
        called = re.search(r"(?:option|choice|letter|answer|point)\s$", text[: match.start()], re.I)
        alone = match["label"].isupper() and not opens_sentence(match, text)
        if bracketed or called or alone:
            yield options.index(match["label"])
