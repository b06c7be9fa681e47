"""What a processor makes of samples, checked before a run: what is asked and what is learned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sat_tasks.console import UserError


def check_samples(processor: Any, samples: Sequence[dict[str, Any]]) -> None:
    """Make sure that a model is taught the reply and to stop, after what it will be asked.

    The tokens of a sample must be those of its prompt, as a model is asked later, followed by those
    that carry loss: the reply and an end token. A tokenizer could join the last character of a
    prompt with the first of a reply, and the model would be taught what it is never asked for.

    Args:
        processor: With the chat template to train with.
        samples: As TRL takes them, pictures included.

    Raises:
        UserError: They are not.
    """
    from trl.data_utils import prepare_multimodal_messages

    for sample in samples:
        *asked, told = prepare_multimodal_messages(sample["messages"], images=sample["images"])
        prompt = _tokens(processor, asked, add_generation_prompt=True)["input_ids"][0]
        whole = _tokens(processor, [*asked, told], return_assistant_tokens_mask=True)
        ids, learned = list(whole["input_ids"][0]), list(whole["assistant_masks"][0])
        if ids[: len(prompt)] != list(prompt):
            raise UserError(
                "the tokenizer joins prompt and reply: a reply could not be learned as it is asked"
            )
        if len(asked) == 1 and any(learned[: len(prompt)]):
            raise UserError("the chat template teaches the question; only replies may carry loss")
        taught, learned = ids[len(prompt) :], learned[len(prompt) :]
        while learned and not learned[-1]:  # what follows the end token
            taught.pop()
            learned.pop()
        text = "".join(part["text"] for part in told["content"])
        if not (learned and all(learned) and _is_reply(processor.tokenizer, taught, text)):
            raise UserError(
                f"the chat template teaches {processor.tokenizer.decode(taught)!r}; expected the "
                f"reply {text!r} and an end token"
            )


def _is_reply(tokenizer: Any, ids: list[int], text: str) -> bool:
    """Say if tokens are a text, white space aside, and one special token after it."""
    *reply, end = ids
    spelled = tokenizer.decode(reply, clean_up_tokenization_spaces=False)
    return end in tokenizer.all_special_ids and spelled.split() == text.split()


def _tokens(processor: Any, messages: Sequence[dict[str, Any]], **options: Any) -> Any:
    return processor.apply_chat_template(
        [messages],
        tokenize=True,
        return_dict=True,
        processor_kwargs={"add_special_tokens": False},
        **options,
    )
