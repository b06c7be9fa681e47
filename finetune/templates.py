"""Chat templates for training: begin and end of a turn are tokens, and what is learned is marked.

The template that llava-hf publishes with LLaVA-1.5 has neither a beginning nor an end token, so a
model tuned with it never learns to stop; TRL's for Qwen2.5-VL also teaches the newline after the
end. Ours teach the reply and its end token alone. They are saved with the checkpoint, so that every
later user, vLLM included, asks as training did. Contents may be texts or lists of parts.
"""

from __future__ import annotations

from typing import Any

from sat_tasks.console import UserError


def _parts(picture: str, between: str = "") -> str:
    """Return template code for a message that is not a reply."""
    return (
        "{% if message['content'] is string %}{{ message['content'] }}{% else %}"
        "{% for part in message['content'] %}"
        "{% if part['type'] == 'image' %}" + picture + "{% else %}{{ part['text'] }}{% endif %}"
        "{% if not loop.last %}" + between + "{% endif %}{% endfor %}{% endif %}"
    )


_REPLY = (
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}"
    "{% for part in message['content'] %}{{ part['text'] }}{% endfor %}{% endif %}"
)
_NEWLINE = "{{ '\\n' }}"
"""A plain newline after a tag would be trimmed."""

LLAVA_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{% if message['role'] == 'assistant' %}ASSISTANT:{% generation %} "
    + _REPLY
    + "{{ eos_token }}{% endgeneration %}"
    "{% else %}{{ message['role'] | upper }}: " + _parts("<image>", _NEWLINE) + " {% endif %}"
    "{% endfor %}{% if add_generation_prompt %}ASSISTANT:{% endif %}"
)
ONEVISION_TEMPLATE = (
    "{% for message in messages %}<|im_start|>"
    "{% if message['role'] == 'assistant' %}assistant\n{% generation %}"
    + _REPLY
    + "<|im_end|>{% endgeneration %}"
    + _NEWLINE
    + "{% else %}{{ message['role'] }}\n"
    + _parts("<image>", _NEWLINE)
    + "<|im_end|>\n{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
QWEN2_5_VL_TEMPLATE = (
    "{% for message in messages %}{% if loop.first and message['role'] != 'system' %}"
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n{% endif %}<|im_start|>"
    "{% if message['role'] == 'assistant' %}assistant\n{% generation %}"
    + _REPLY
    + "<|im_end|>{% endgeneration %}"
    + _NEWLINE
    + "{% else %}{{ message['role'] }}\n"
    + _parts("<|vision_start|><|image_pad|><|vision_end|>")
    + "<|im_end|>\n{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""Renders as the published one does."""

TEMPLATES: dict[str, str] = {
    "llava": LLAVA_TEMPLATE,
    "llava_onevision": ONEVISION_TEMPLATE,
    "qwen2_5_vl": QWEN2_5_VL_TEMPLATE,
}
"""By model type; TRL knows templates of others."""


def training_template(processor: Any, model_type: str) -> str:
    """Return the chat template to train a model with.

    Raises:
        UserError: None is known for this kind of model.
    """
    if model_type in TEMPLATES:
        return TEMPLATES[model_type]
    from trl.chat_template_utils import get_training_chat_template

    try:
        template = get_training_chat_template(processor) or processor.chat_template
    except ValueError:
        template = None
    if not template or "{% generation %}" not in template.replace("{%-", "{%"):
        known = ", ".join([*TEMPLATES, "and those TRL ships training templates for"])
        raise UserError(f"no training chat template for model type {model_type!r}; known: {known}")
    return str(template)
