"""Chat templates for training: begin and end of a turn are tokens, and what is learned is marked.

The template that llava-hf publishes with LLaVA-1.5 has neither a beginning nor an end token, so a
model tuned with it never learns to stop. Ours is saved with the checkpoint, so that every later
user, vLLM included, asks as training did.
"""

from __future__ import annotations

from typing import Any

from finetune.tiny import CHAT_TEMPLATE
from sat_tasks.console import UserError

ONEVISION_TEMPLATE = (
    "{% for message in messages %}<|im_start|>"
    "{% if message['role'] == 'assistant' %}assistant\n{% generation %}"
    "{% for part in message['content'] %}{{ part['text'] }}{% endfor %}"
    "<|im_end|>{% endgeneration %}\n"
    "{% else %}{{ message['role'] }}\n"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<image>{% else %}{{ part['text'] }}{% endif %}"
    "{% if not loop.last %}{{ '\\n' }}{% endif %}{% endfor %}<|im_end|>\n{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)

TEMPLATES: dict[str, str] = {
    "llava": CHAT_TEMPLATE,
    "llava_onevision": ONEVISION_TEMPLATE,
}
"""By model type; TRL knows templates of the others."""


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
