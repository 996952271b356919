import dataclasses

import pytest
import torch

from vqfr_core.errors import InputError
from vqfr_core.interactive import InteractiveImage
from vqfr_core.page import session as session_module
from vqfr_core.page.session import Photo, Sessions
from vqfr_core.pictures import Frame, Picture


def some_photo(tmp_path) -> Photo:
    image = torch.zeros((3, 100, 100))
    return Photo(tmp_path / "a.png", "a.png", Picture((Frame(image),)), InteractiveImage(image))


def test_everybody_has_a_session_of_their_own(sessions, tmp_path):
    (one, first), (two, second) = sessions.open(None), sessions.open(None)
    assert one != two and first is not second and first.folder != second.folder
    first.photo = some_photo(tmp_path)
    assert sessions.open(one)[1] is first
    with pytest.raises(InputError, match="drop it in again"):
        second.require_photo()


def test_a_tab_that_does_not_know_its_key_yet_has_one_session(sessions):
    key, session = sessions.open(None, "tab 1")
    assert sessions.open(None, "tab 1") == (key, session)
    assert session not in (sessions.open(None, "tab 2")[1], sessions.open(None)[1])


def test_who_goes_leaves_nothing(sessions, tmp_path):
    key, session = sessions.open(None, "tab 1")
    (session.folder / "result.png").write_bytes(b"x")
    folder = session.folder
    sessions.drop_client("another")
    sessions.drop_client("")
    assert folder.exists()
    sessions.drop_client("tab 1")
    assert not folder.exists() and sessions.open(key)[1] is not session


def test_memory_is_bounded(host, tmp_path):
    size = some_photo(tmp_path).image.num_bytes
    sessions = Sessions(dataclasses.replace(host, max_kept_bytes=2 * size))
    opened = []
    for _ in range(4):
        key, session = sessions.open(None)
        session.photo = some_photo(tmp_path)
        opened.append((key, session))
    sessions.open(opened[-1][0])
    assert [session.photo is not None for _, session in opened] == [False, False, True, True]


def test_who_is_at_work_is_left_alone(host, tmp_path):
    sessions = Sessions(dataclasses.replace(host, max_kept_bytes=1))
    key, session = sessions.open(None)
    session.photo = some_photo(tmp_path)
    with session.lock:
        sessions.open(None)
        assert sessions.open(key)[1] is session
    sessions.open(None)
    assert session.photo is None


def test_sessions_are_bounded_in_number_and_time(sessions, monkeypatch):
    monkeypatch.setattr(session_module, "_MAX_SESSIONS", 2)
    keys = [sessions.open(None)[0] for _ in range(4)]
    assert list(sessions._sessions) == keys[2:]
    monkeypatch.setattr(session_module, "_MAX_IDLE_S", -1.0)
    sessions.open(keys[3])
    assert list(sessions._sessions) == keys[3:]
