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
    assert "close other programs" in describe_failure(MemoryError())
