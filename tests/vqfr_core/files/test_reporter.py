from vqfr_core.errors import InputError
from vqfr_core.files.reporter import Reporter, describe_failure


class Noting(Reporter):
    def __init__(self) -> None:
        self.errors: list[str] = []

    def error(self, text: str) -> None:
        self.errors.append(text)


def test_a_failure_is_an_error_unless_somebody_tells_it_otherwise():
    reporter = Noting()
    reporter.failure(InputError("too dark"), "a.png")
    reporter.say("not shown"), reporter.note("not shown"), reporter.detail("not shown")
    with reporter.bar("frames", "frame") as progress:
        progress(1, None)
    assert reporter.errors == ["a.png: too dark"]


def test_the_name_is_put_in_front_unless_the_message_has_it():
    assert describe_failure(InputError("too dark"), "a.png") == "a.png: too dark"
    assert describe_failure(InputError("a.png: too dark"), "a.png") == "a.png: too dark"


def test_what_nobody_expected_comes_with_a_hint():
    assert describe_failure(RuntimeError("a bug")) == "unexpected RuntimeError: a bug (--debug shows where)"
    assert describe_failure(KeyError("x"), hint="see the log") == "unexpected KeyError: 'x' (see the log)"
    for error in (MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")):
        text = describe_failure(error, "a.png")
        assert text.startswith("a.png: not enough memory") and "close other programs" in text


def test_what_the_system_says_comes_in_words_and_with_the_name():
    assert describe_failure(OSError(28, "No space left on device"), "a.png") == "a.png: No space left on device"
    assert describe_failure(OSError(36, "File name too long", "b.png")) == "b.png: File name too long"
    assert describe_failure(OSError("cut off"), "a.png") == "a.png: cut off"


def test_names_neither_command_a_terminal_nor_fill_it():
    name = "a\x1b[2J\n\u202e\u3000.png"
    assert describe_failure(InputError(f"{name}: too dark"), name) == "a\\x1b[2J \\u202e\u3000.png: too dark"
    assert "\x1b" not in describe_failure(RuntimeError("\x1b[31m"), name)
    assert len(describe_failure(RuntimeError("x" * 10**6), "y" * 10**6)) < 5000
