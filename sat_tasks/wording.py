"""Text without its dress: what is compared when a reply is read."""

from __future__ import annotations

import re
import unicodedata

from sat_tasks import phrases


def last_words(reply: str) -> str:
    """Return a reply without its thinking; empty if it never got beyond that."""
    text = unicodedata.normalize("NFKC", reply)
    text = re.sub(r"[\u200b-\u200f\u2060\ufeff]", "", text)
    text = re.sub(rf"<({phrases.THINKING})>.*?</\1>", "\n", text, flags=re.S | re.I)
    text = re.split(rf"</(?:{phrases.THINKING})>", text, flags=re.I)[-1]
    text = re.split(rf"<(?:{phrases.THINKING})>", text, flags=re.I)[0]
    return plain(text).strip()


def plain(text: str) -> str:
    """Take off markdown, LaTeX and quotation marks; keep words, brackets and punctuation."""
    text = re.sub(r"\\(?:text|math|mbox)\w*\s*\{([^{}]*)\}", r"\1", text)
    text = re.sub(r"\\boxed\s*\{([^{}]*)\}", r" <final>\1</final> ", text)
    text = re.sub(r"<(/?)\s*answer\s*>", r" <\1final> ", text, flags=re.I)
    text = re.sub(r"<(?!/?final>)[/|]?\w+\|?>|\[/?INST\]", " ", text)
    text = text.translate(phrases.PUNCTUATION)
    text = re.sub(
        r"```\w*|[`*$#~]|\\[()\[\],;]|(?<!\w)[_']+|[_']+(?!\w)|^\s*[>-]\s", " ", text, flags=re.M
    )
    return re.sub(r"[ \t]+", " ", text)


def normal_form(text: str) -> str:
    """Return text in the form in which options are compared."""
    text = plain(unicodedata.normalize("NFKC", text)).casefold().replace("°", " degrees")
    number = rf"(?<![\w.-])({'|'.join(phrases.NUMBERS)})(?![\w-])"
    text = re.sub(number, lambda match: phrases.NUMBERS[match[1]], text)
    return " ".join(text.split())
