"""The documents that lmms-eval sees: one per question and option order, without pictures.

The hooks that the task files name for data and prompts. A task file's ``dataset_name`` says what
to ask, as ``TABLE.PART`` or ``TABLE.PART@PROTOCOL``; the protocol is SAT_PROTOCOL where the file
names none. lmms-eval swallows exceptions and exits 0, so what a user can put right leaves as
SystemExit, which it does not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from PIL import Image

from sat_tasks.console import UserError
from sat_tasks.data import DataSet, Question, open_pictures
from sat_tasks.prompt import Part, build_prompt, chat_content, prompt_text, reply_text
from sat_tasks.protocol import PROTOCOLS, Protocol, protocol_of
from sat_tasks.tables import Table, find_table

Doc = dict[str, Any]
"""Columns: see :func:`expand`."""


_FROM_QUESTION = tuple(field.name for field in fields(Question))


def documents(placeholder: Any) -> Any:
    """Return the documents of the task whose ``dataset_name`` the placeholder carries.

    Args:
        placeholder: The one-row data set that lmms-eval loaded.
    """
    from datasets import Dataset

    name, _, protocol_name = placeholder.info.config_name.partition("@")
    try:
        protocol = protocol_of(protocol_name)
        table, part = find_table(name)
        data, questions = table.load(part)
    except UserError as error:
        raise SystemExit(f"error: {' '.join(str(error).split())}") from error
    return Dataset.from_dict(expand(data, questions, protocol, table))


def expand(
    data: DataSet, questions: Iterable[Question], protocol: Protocol, table: Table
) -> dict[str, list[Any]]:
    """Return the columns of the documents, the orders of a question next to each other."""
    paper = protocol.style == "text"
    columns: dict[str, list[Any]] = {name: [] for name in (*_FROM_QUESTION, "order")}
    for question in map(table.paper_wording, questions) if paper else questions:
        orders = protocol.orders(len(question.options))
        for name in _FROM_QUESTION:
            columns[name] += [getattr(question, name)] * len(orders)
        columns["order"] += orders
    same = {
        "protocol": protocol.name,
        "style": table.paper_style if paper else protocol.style,
        "revision": data.revision,
    }
    asked = len(columns["order"])
    return columns | {name: [value] * asked for name, value in same.items()}


def offered(doc: Doc) -> list[str]:
    """Return the options in the order in which the document offers them."""
    return [doc["options"][index] for index in doc["order"]]


def prompt_of(doc: Doc) -> tuple[Part, ...]:
    """Return the prompt of a document."""
    pictures = 0 if PROTOCOLS[doc["protocol"]].blind else doc["picture_count"]
    return build_prompt(doc["question"], offered(doc), pictures, doc["style"])


def doc_to_visual(doc: Doc) -> list[Image.Image]:
    """Return the pictures of a document, decoded at first use."""
    if PROTOCOLS[doc["protocol"]].blind:
        return []
    return list(open_pictures(doc["file"], doc["row"]))


def doc_to_text(doc: Doc, lmms_eval_specific_kwargs: Any = None) -> str:
    """Return the words of a document's prompt."""
    return prompt_text(prompt_of(doc))


def doc_to_messages(doc: Doc, lmms_eval_specific_kwargs: Any = None) -> list[dict[str, Any]]:
    """Return a document as a chat with its pictures in their places."""
    return [{"role": "user", "content": chat_content(prompt_of(doc), doc_to_visual(doc))}]


def doc_to_target(doc: Doc) -> str:
    """Return the reply that would be right."""
    position = list(doc["order"]).index(doc["answer_index"])
    return reply_text(offered(doc), position, doc["style"])
