"""The page of messages has every message of the source, and no other."""

import re

import pytest

from message_texts import (
    FEWEST_WORDS,
    NO_MESSAGES,
    PAGE,
    is_message,
    n_words,
    pattern_of,
    shown_messages,
    spans_of_page,
    stale_part,
    texts,
)

ALL = texts()
SPANS = spans_of_page()


def test_every_message_of_the_source_is_on_the_page():
    absent = [text for text in ALL if is_message(text) and not any(map(text.spans, SPANS))]
    assert absent == []


def test_every_message_of_the_page_is_in_the_source():
    known = [text for text in ALL if text.words > 1]
    shown = [re.sub(r"^(--|pyama ).*", "", span) for span in SPANS]
    stale = {span: stale_part(span, known) for span in shown if n_words(span) >= FEWEST_WORDS}
    assert {span: rest for span, rest in stale.items() if n_words(rest) >= FEWEST_WORDS} == {}


def test_every_row_says_what_a_message_means_and_what_to_do():
    rows = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| `")]
    assert len(rows) > 130
    assert [row for row in rows if len(re.findall(r" \| (?=\S)", row)) != 2] == []


@pytest.mark.parametrize("pattern", NO_MESSAGES)
def test_what_is_left_out_is_there(pattern):
    assert any(re.match(pattern, text.place) for text in ALL)


SHOWN = [
    "FOV 0: Most cells vanish in frame 3, as if the focus were lost.",
    "FOV 0: Most cells vanish in frame 3, as if the focus were lost. To keep them, add x",
    "Frames of channel 1 (GFP) that were never written: 1 of 4 in FOV 0, 2 of 4 in FOV 1.",
]


@pytest.mark.parametrize("line", SHOWN)
def test_a_message_is_recognised_with_and_without_its_optional_parts(line):
    found = [span for span in shown_messages() if re.fullmatch(pattern_of(span), line)]
    assert len(found) == 1
