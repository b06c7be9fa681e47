"""Clauses: what a piece of a reply says of the options that were offered."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from sat_tasks import phrases
from sat_tasks.prompt import labels
from sat_tasks.wording import normal_form

UNCLEAR = -1
"""Something was said, but not one of the options."""


@dataclass(frozen=True)
class Offered:
    """The options of a question, prepared for matching."""

    labels: tuple[str, ...]
    """Upper case; empty if the options were offered without labels."""
    label: str
    """Pattern of one label in capture group "label", maybe in brackets."""
    texts: tuple[str, ...]
    """In normal form."""
    heads: tuple[str | None, ...]
    """The last word of each option that no other option has: it stands for the option.

    None of an option that is a denial, since "did move" shares its words with "did not move"."""

    def index(self, label: str) -> int:
        """Return the index of a label in either case."""
        return self.labels.index(label.upper())


@lru_cache(maxsize=4096)
def prepare(options: tuple[str, ...], labelled: bool) -> Offered:
    """Return options ready for matching.

    Args:
        options: In the order in which they are offered.
        labelled: Whether they have letters or numbers.
    """
    texts = tuple(normal_form(option).strip(" .") for option in options)
    marks = labels(options) if labelled else ()
    one = "|".join(marks) or "(?!)"
    heads = tuple(_head(text, set(texts) - {text}) for text in texts)
    label = (
        rf"(?<![A-Za-z0-9'])[(\[{{]?\s?(?P<label>{one}|{one.lower()})\s?[)\]}}]?(?![A-Za-z0-9'])"
    )
    return Offered(marks, label, texts, heads)


def _head(text: str, others: set[str]) -> str | None:
    """Return the last word of a text that no other text has."""
    if phrases.DENIED.search(text):
        return None
    taken = {word for other in others for word in phrases.words(other)}
    own = [word for word in phrases.words(text) if word not in taken]
    return next((word for word in reversed(own) if not phrases.FILLERS.fullmatch(word)), None)


def clause_at(text: str, start: int) -> str:
    """Return what follows a statement's opening, to the end of its sentence."""
    rest = text[start:].lstrip(" \n:=>")
    end = re.search(r"\n|[.!?](?=\s)(?<!\b[A-Za-z0-9][.])", rest)
    return rest[: end.end()] if end else rest


def value_of(clause: str, options: Offered) -> list[int]:
    """Return what a clause gives as the answer: nothing, an option, or UNCLEAR."""
    clause = clause.strip()
    exact = normal_form(clause).strip(" .,:;")
    if exact in options.texts:
        return [options.texts.index(exact)]
    match = re.match(rf"(?:{phrases.CALLED}\s+)?" + options.label, clause, re.I)
    if match and not _is_article(match, clause):
        index, rest = options.index(match["label"]), clause[match.end() :]
        named = normal_form(rest).strip(" .:,()-")
        wrong = named in options.texts and options.texts.index(named) != index
        return [UNCLEAR if wrong or is_pair(rest, options) else index]
    if options.labels and re.match(r"[(\[]?[A-Z0-9][)\]]?(?:[.,:;)]|\s*$)", clause):
        return [*mentions(normal_form(clause), options)] or [UNCLEAR]
    normal = main_clause(normal_form(clause))
    for index in _longest_first(options):
        opening = re.match(re.escape(options.texts[index]) + r"(?![\w.])", normal)
        if opening and options.texts[index]:
            others = mentions(normal[opening.end() :], options) - {index}
            return [UNCLEAR if others else index]
    if denies(normal, options):
        return []
    named_here = mentions(normal, options)
    return [named_here.pop() if len(named_here) == 1 else UNCLEAR] if named_here else []


def is_pair(rest: str, options: Offered) -> bool:
    """Whether what follows a label is another one that is given as well."""
    match = re.match(phrases.SEPARATE + options.label, rest)
    if match is not None and not _is_article(match, rest):
        return True
    return re.match(r"[.)\]]*\s*" + options.label + r"\s*(?:[.,)]|$)", rest) is not None


def listed(text: str, options: Offered) -> set[int]:
    """Return the options that are given as a list gives them: a label, then its own text."""
    found = set()
    for line in text.splitlines():
        if match := re.match(r"\s*" + options.label + r"\s*[.:)]", line):
            found.add(options.index(match["label"]))
    headed = {options.index(m["label"]) for m in re.finditer(options.label + r"\s*:", text)}
    if len(headed) > 1:
        return headed
    normal = normal_form(text)
    for index, (label, option) in enumerate(zip(options.labels, options.texts, strict=False)):
        if re.search(rf"(?<!\w){label.lower()}[\])]?[.:)]*\s*{re.escape(option)}(?!\w)", normal):
            found.add(index)
    return found


def _is_article(match: re.Match[str], text: str) -> bool:
    """Whether a match of the label A is an article."""
    if match["label"] not in ("A", "a") or match[0][-1] in ")]}":
        return False
    after = re.match(r"\s+([^\W\d_]+)", text[match.end() :])
    return after is not None and not phrases.CONTINUED.fullmatch(after[1])


def opens_sentence(match: re.Match[str], text: str) -> bool:
    """Whether a match of the label A is an article in capitals, as at the start of a sentence."""
    start = re.search(r"(?:^|[.!?:\n])\s*$", text[: match.start()])
    return start is not None and _is_article(match, text)


def main_clause(normal: str) -> str:
    """Return a normalised text up to its first reason."""
    return phrases.REASON.split(normal, maxsplit=1)[0]


def _longest_first(options: Offered) -> list[int]:
    return sorted(range(len(options.texts)), key=lambda index: -len(options.texts[index]))


def denies(text: str, options: Offered) -> bool:
    """Whether a text denies something, apart from options that are denials themselves."""
    normal = normal_form(text)
    for option in options.texts:
        if phrases.DENIED.search(option):
            normal = re.sub(rf"(?<!\w){re.escape(option)}(?!\w)", " ", normal)
    return phrases.DENIED.search(normal) is not None


def mentions(normal: str, options: Offered) -> set[int]:
    """Return the options whose text or head is in a normalised text."""
    found = set()
    for index in _longest_first(options):
        text = options.texts[index]
        if not text or text in phrases.VERDICTS:
            continue
        pattern = rf"(?<![\w.]){re.escape(text)}(?![\w]|\.\d)"
        if re.search(pattern, _directions(normal, options)):
            found.add(index)
            normal = re.sub(pattern, " ", normal)
    words = set(phrases.words(_directions(normal, options))) - set(phrases.VERDICTS)
    return found | {i for i, head in enumerate(options.heads) if head in words}


def _directions(normal: str, options: Offered) -> str:
    """Take out "right" and "left" where they are no directions."""
    if any(phrases.HOMONYMS.search(text) for text in options.texts):
        return normal
    return phrases.HOMONYMS.sub(" ", normal)
