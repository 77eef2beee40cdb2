from __future__ import annotations

import pytest

from observed_hooks.demo.messages import Finished, Message, Saved, Serving, Started, Stepped, decode, encode

MESSAGES: list[Message] = [
    Started(pid=4711, step=500, tensorflow_version="2.21.0", metrics_url=None),
    Stepped(step=1, loss=2.3, accuracy=0.125),
    Saved(kind="input_pipeline", step=500),
    Finished(accuracy=0.94, held_out=297),
    Serving(metrics_url="http://127.0.0.1:9464/metrics", tensorboard_url="http://127.0.0.1:6006/"),
]


class TestMessages:
    @pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
    def test_arrive_as_they_were_sent_on_one_line(self, message: Message) -> None:
        line = encode(message)

        assert decode(line) == message
        assert line.count(b"\n") == 1

    @pytest.mark.parametrize("line", [b'{"message": "Stepped", "st', b"{}", b"[]", b'{"message": "Stepped"}', b"\xff"])
    def test_that_are_torn_or_not_ours_are_told_apart(self, line: bytes) -> None:
        with pytest.raises(ValueError):  # noqa: PT011 - json's own message for some
            decode(line)
