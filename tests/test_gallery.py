"""The gallery is one page that shows what the data set holds."""

from __future__ import annotations

import base64
import html
import re
from dataclasses import replace
from pathlib import Path

import pytest
from sat_folder import picture, rows, write_folder

from generation.gallery import choose, data_uri, write_gallery
from sat_tasks.console import UserError
from sat_tasks.taxonomy import QUESTION_TYPES


def page_of(tmp_path: Path, content: list, per_type: int = 12) -> str:  # type: ignore[type-arg]
    write_folder(tmp_path / "data", content)
    write_gallery(tmp_path / "data", tmp_path / "gallery.html", per_type)
    return (tmp_path / "gallery.html").read_text(encoding="utf-8")


def test_every_type_has_a_section_and_a_button(tmp_path: Path) -> None:
    page = page_of(tmp_path, rows(36))
    for name in QUESTION_TYPES:
        assert f'<section data-type="{name}">' in page
        assert f'<button type="button" data-type="{name}"' in page


def test_the_page_needs_no_other_file(tmp_path: Path) -> None:
    page = page_of(tmp_path, rows(18))
    assert not re.search(r'(src|href)="(?!data:)', page)
    assert "url(" not in page
    assert "@import" not in page


def test_pictures_questions_options_and_answers_are_those_of_the_rows(tmp_path: Path) -> None:
    content = rows(9)
    page = page_of(tmp_path, content)
    for row in content:
        card = re.search(rf'<article id="{row.id}">.*?</article>', page, re.DOTALL)
        assert card
        pictures = re.findall(r"base64,([^\"]+)", card[0])
        assert [base64.b64decode(text) for text in pictures] == list(row.images)
        assert row.question in html.unescape(card[0])
        options = re.findall(r"<li[^>]*>([^<]*)</li>", card[0])
        assert options == list(row.answers)
        right = re.findall(r'<li class="right"[^>]*>([^<]*)</li>', card[0])
        assert right == [row.correct_answer]


def test_text_cannot_break_the_page(tmp_path: Path) -> None:
    bad = "<script>alert(1)</script> & 'friends'"
    page = page_of(tmp_path, [replace(rows(1)[0], question=bad)])
    assert bad not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp;" in page


def test_a_type_shows_a_limited_number_spread_over_the_data_set() -> None:
    content = rows(100, types=["depth"]) + rows(3, types=["count"])
    chosen = choose(content, {"depth": 100, "count": 3}, per_type=5)
    assert [row.id for row in chosen["depth"]] == [f"test-{n:05d}" for n in (0, 20, 40, 60, 80)]
    assert len(chosen["count"]) == 3


def test_png_and_jpeg_say_what_they_are() -> None:
    assert data_uri(picture(0)).startswith("data:image/jpeg;base64,")
    assert data_uri(picture(0, form="PNG")).startswith("data:image/png;base64,")


def test_no_data_set_is_one_line_and_no_page(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="no data set"):
        write_gallery(tmp_path / "empty", tmp_path / "gallery.html")
    assert not (tmp_path / "gallery.html").exists()
