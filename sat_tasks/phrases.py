"""The words by which replies are read: patterns and tables, no logic."""

from __future__ import annotations

import re

THINKING = "think|thinking|thought|reasoning|reflection"
"""Tags around reasoning that is not part of the reply."""

NUMBERS = {
    "zero": "0",
    "one": "1",
    "two": "2",
    "three": "3",
    "four": "4",
    "five": "5",
    "six": "6",
    "seven": "7",
    "eight": "8",
    "nine": "9",
    "ten": "10",
    "eleven": "11",
    "twelve": "12",
}

PUNCTUATION = str.maketrans(
    {"’": "'", "‘": "'", "。": ".", "、": ",", "·": " ", "–": "-", "—": "-", "−": "-", "‑": "-"}
    | dict.fromkeys('"“”„‟«»‹›「」『』【】《》〈〉〔〕', " ")
)

_BE = (
    r"(?:is|are|was|'s|would be|should be|must be|has to be|will be|es|est|ist|é|è|是|为|為|は"
    r"|:|=|->|→|might be|may be|could be)"
)
_SURELY = (
    r"(?:\s+(?:most\s+likely|likely|probably|clearly|definitely|therefore|thus|actually|simply"
    r"|obviously|indeed)\b)?"
)
_ANSWER = (
    r"(?:answer|ans|response|solution|respuesta|r[ée]ponse|antwort|resposta|risposta|ответ"
    r"|答案|答え|正解|回答|정답|답)"
)
_NOUN = r"(?:answer|option|choice|letter|number|one|selection|prediction|verdict|result|label)"
_GOOD = r"(?:final|correct|right|best|most likely|chosen|selected|predicted)"

FINAL = re.compile(
    rf"(?:final\s+(?:answer|choice|verdict|decision)|最终答案)(?:\s*{_BE})+{_SURELY}\s*", re.I
)
"""What comes before an answer that is meant to be the last word."""

STATED = re.compile(
    rf"(?<![a-z])(?:{_ANSWER}(?:\s+(?:choice|option|letter|number|here|to\s[^.:\n]{{1,60}}))?"
    rf"|{_GOOD}\s+{_NOUN}|choice|selection|prediction|selected|chosen)(?:\s*{_BE})+{_SURELY}(?:\s*that\s)?\s*"
    r"|(?<![a-z'])(?:i|we)(?:\s*'d|\s*'ll|\s+would|\s+will|\s+must|\s+have\s+to)?\s+"
    r"(?:choose|chose|pick|picked|select|selected|go\s+with|going\s+with|opt\s+for|answer|guess"
    r"|vote\s+for|say)\s+"
    r"|(?<![a-z])(?:statement|caption|claim|sentence|description)\s+is\s+"
    r"|(?<![a-z])(?:it|this|that)(?:\s+is|'s)\s+(?=(?:true|false)\b)",
    re.I,
)
"""What comes before a stated answer."""

ENDORSED = r"\s+(?:is|would be|must be|seems|looks)\s+(?:the\s+)?(?:correct|right|best|most likely)"
"""What follows a label that is called right: "B is correct"."""

HEDGED = re.compile(
    r"(?:\bif|\bwhether|\bunless|\bsuppose|\bassuming|\bcould|\bmight|\bmaybe|\bperhaps|\bnot sure"
    r"|\bunsure|\bdon't know|\bdo not know|\bcannot say)\b(?:(?!\bbut\b)[^.!?\n])*$"
    r"|\b(?:wrong|incorrect|worst|not the)\s*(?:correct|right|best)?\s*$",
    re.I,
)
"""What makes the statement after it no statement."""

CONCLUDED = re.compile(
    r"(?<![a-z])(?:therefore|thus|hence|in conclusion|to conclude|consequently|in summary"
    r"|this means(?: that)?|which means(?: that)?)\b[\s,:]*|(?:^|[.!?,;]\s)so\b[\s,]*",
    re.I,
)

REFUSED = re.compile(
    r"\b(?:i'm sorry|i am sorry|sorry|unable|cannot|can't|can not|could not|couldn't|impossible"
    r"|unclear|unsure|not sure|not clear|no way to|insufficient|not enough|difficult to|hard to"
    r"|don't know|do not know|don't see|do not see|uncertain|undetermined|ambiguous|depends"
    r"|as an ai|none of|either|could be|might be|may be|maybe|perhaps|possibly"
    r"|both|equally|same)\b",
    re.I,
)
"""What makes a reply no answer unless it also states one."""

DENIED = re.compile(
    r"\b(?:not|never|neither|nor|without|cannot|no|false|wrong|incorrect|opposite|rather than"
    r"|instead of|except|unlikely)\b|n't\b",
    re.I,
)
"""What makes the naming of an option possibly its denial."""

SEPARATE = r"\s*(?:-|,|/|&|\+|\||\bor\b|\band\b|\boder\b|\bund\b|\bou\b|\bet\b|或|和|と)\s*"
"""What stands between two options that are both given."""

CALLED = r"(?:the\s+)?(?:option|choice|letter|number|point)"
"""What may stand before a label."""

AFTER_LABEL = r"(?=\s*[.:;,)(\n-]|\s+(?:because|since|as)\b|(?<=[)\]}])|\s*$)"
"""What follows a label that opens a reply."""

AFTER_OPTION = r"\s*(?:[.,;:!-](?!\d)|$)"
"""What follows an option that opens a reply; a reason is cut off before."""

AFTER_VERDICT = r"\s*(?:[.,;:!-](?!\d)|$|(?<=\s)(?:it|they|the|there|this|that|i|he|she|we|you)\b)"
"""What follows a verdict that opens a reply; "no idea" is none."""

REASON = re.compile(
    r"[\s,;]+(?:because|since|due to|given that|as (?:the|it|its|you|we|both|there|this|that))\b"
)
"""What comes before a reason, which may name any option."""

INTERJECTION = re.compile(r"^(?:yes|no|well|okay|ok|sure)[,.!]\s+", re.I)
"""What may open a reply without choosing anything, unless verdicts are offered."""

VERDICTS = ("yes", "no", "true", "false")
"""Options that answer where they open a reply or clause, and are ordinary words elsewhere."""

CONTINUED = re.compile(
    r"because|since|as|is|was|for|which|given|due|based|with|and|or|if|but|while|so|instead"
    r"|rather|not|would|seems|being",
    re.I,
)
"""Words that may follow the label A; after any other word it is an article."""

HOMONYMS = re.compile(
    r"\bright (?:next|here|there|now|away|behind|before|after|above|below|beside|in front|at|angle"
    r"|angles|answer|option|choice|one)\b|\b(?:that's|that is|all|you're|you are|quite|am) right\b"
    r"|\bleft (?:behind|over|alone|untouched)\b|\bto be left\b"
    r"|\bleft the (?:frame|picture|image|scene|view|room)\b",
    re.I,
)
"""Phrases in which "left" and "right" are no directions."""

FILLERS = re.compile(
    r"a|an|the|it|its|is|was|are|were|be|been|of|to|in|on|at|by|from|with|and|or|as|for|than|there"
    r"|this|that|these|those|image|picture|photo|frame|first|second|camera|objects?",
)
"""Words that never tell two options apart."""


def words(text: str) -> list[str]:
    """Return the words of normalised text."""
    return re.findall(r"[^\W_]+(?:'[^\W_]+)*(?:\.\d+)?", text)
