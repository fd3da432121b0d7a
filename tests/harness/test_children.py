"""A child process answers, or its end is the answer."""

import os
import select
import signal
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from fixtures.harness.children import LOG_LINES, Child, JobError


@pytest.fixture
def child():
    """A child that does what its job says."""
    child = Child("tests.harness.echo")
    yield child
    child.close()


def ignore(*_):
    """Take no notice of progress."""


@pytest.mark.parametrize("said", [None, True, 0, 0.1, "", "two\nlines, äöü 猫", ["a", {"b": [1, None]}], "x" * 100_000])
def test_child_answers(child, said):
    """What a job returns is what the parent is given, whatever JSON value it is."""
    assert child.ask({"do": "say", "say": said}, ignore) == said


def test_child_answers_one_job_after_another(child):
    """A child is not used up by a job."""
    assert [child.ask({"do": "say", "say": number}, ignore) for number in range(5)] == [0, 1, 2, 3, 4]


def test_progress_reaches_the_parent(child):
    """What a job says of its progress arrives in order, with the share that is done where the job tells it."""
    told = []
    child.ask({"do": "count", "to": 2}, lambda text, share: told.append((text, share)))

    assert told == [("beginning", None), ("counting", 0.5), ("counting", 1.0)]


def test_expected_error_is_its_sentence(child):
    """An error that is a sentence for the user arrives as that sentence, alone."""
    with pytest.raises(JobError, match=r"^the data set is gone$"):
        child.ask({"do": "fail", "why": "the data set is gone"}, ignore)


def test_error_shows_itself(child):
    """What a runtime quotes of a file steers no terminal."""
    with pytest.raises(JobError, match=r"^custom op \\u001b\[2J$"):
        child.ask({"do": "fail", "why": "custom op \x1b[2J"}, ignore)


def test_unexpected_error_comes_with_its_traceback(child):
    """An error that nobody expected says where it happened."""
    with pytest.raises(JobError, match=r'(?s)Traceback.*echo\.py", line \d+, in crash.*ZeroDivisionError: by nothing'):
        child.ask({"do": "crash", "why": "by nothing"}, ignore)


@pytest.mark.parametrize("failing", ["fail", "crash"])
def test_child_outlives_a_failed_job(child, failing):
    """The next job is answered."""
    with pytest.raises(JobError):
        child.ask({"do": failing, "why": "this time"}, ignore)

    assert child.ask({"do": "say", "say": "next"}, ignore) == "next"


@pytest.mark.parametrize("name", ["SIGKILL", "SIGSEGV", "SIGABRT", "SIGILL", "SIGBUS"])
def test_death_by_a_signal_names_it(child, name):
    """A child that the system ends is an error with the signal's name and the child's last lines."""
    with pytest.raises(JobError, match=rf"(?s)tests\.harness\.echo was killed by {name}; .*line 0\nline 1$"):
        child.ask({"do": "die", "signal": name, "lines": ["line 0", "line 1"]}, ignore)


def test_end_without_an_answer_names_the_status(child):
    """A child that ends itself is an error with its status."""
    with pytest.raises(JobError, match=r"tests\.harness\.echo ended with status 3, and printed nothing$"):
        child.ask({"do": "die", "status": 3}, ignore)


def test_long_log_is_cut_to_its_end(child):
    """Of what a child printed before it died, the last lines are shown."""
    lines = [f"line {number}" for number in range(100)]
    with pytest.raises(JobError) as error:
        child.ask({"do": "die", "status": 1, "lines": lines}, ignore)

    assert str(error.value).splitlines()[1:] == lines[-LOG_LINES:]


def test_idle_lines_of_the_runtime_are_left_out(child):
    """What LiteRT prints on every run takes no place from what tells of the death."""
    idle = ["INFO: [environment.cc:47] Adding options", "I0000 00:00:1795596990.449288    9575 delegate.cc:1] threads"]
    told = [
        "ERROR: [model.cc:2] no memory",
        "F0000 00:00:1795596990.4    9575 model.cc:218] Check failed",
        "an INFO: line",
    ]
    with pytest.raises(JobError) as error:
        child.ask({"do": "die", "signal": "SIGABRT", "lines": [*told, *(idle * LOG_LINES)]}, ignore)

    assert str(error.value).splitlines()[1:] == told


def test_earlier_jobs_lines_are_not_shown(child):
    """What was printed over an earlier job says nothing of this one's end."""
    child.ask({"do": "chatter"}, ignore)
    with pytest.raises(JobError) as error:
        child.ask({"do": "die", "status": 1, "lines": ["now"]}, ignore)

    assert str(error.value).splitlines()[1:] == ["now"]


def test_lines_of_the_start_are_shown(request):
    """A child that ended before it was asked for anything says why, however late it is asked."""
    child = Child("tests.harness.missing")
    request.addfinalizer(child.close)
    child.process.wait()

    for _ in range(2):
        with pytest.raises(JobError, match=r"ended with status 1; (?s:.*)No module named tests\.harness\.missing"):
            child.ask({"do": "say", "say": "hello"}, ignore)


def test_module_that_cannot_start_is_an_error(request):
    """A child that never came to its first job is an error that says why."""
    child = Child("tests.harness.missing")
    request.addfinalizer(child.close)

    with pytest.raises(JobError, match=r"ended with status 1; (?s:.*)No module named tests\.harness\.missing"):
        child.ask({"do": "say", "say": "hello"}, ignore)


def test_prints_do_not_reach_the_parent(child):
    """What libraries print on standard output is no answer, even if it looks like one."""
    assert child.ask({"do": "chatter"}, ignore) == "answered"
    assert child.ask({"do": "say", "say": "next"}, ignore) == "next"


def test_prints_on_import_do_not_reach_the_parent(request):
    """What libraries print before the first job is no answer either."""
    child = Child("tests.harness.noisy")
    request.addfinalizer(child.close)

    assert child.ask({"do": "say", "say": "hello"}, ignore) == "hello"


def test_prints_are_shown_when_the_child_dies(child):
    """What libraries printed, on either stream, is in the message of the death."""
    with pytest.raises(JobError, match=r"(?s)printed.*written.*echoed.*on stderr"):
        child.ask({"do": "chatter", "status": 1}, ignore)


def test_child_hears_what_libraries_print(child):
    """What is printed in any way from a moment on, and nothing from before, can be listened to, time and again."""
    heard = ['{"result": "printed"}', '{"result": "written"}', '{"result": "echoed"}', "on stderr"]

    assert [child.ask({"do": "listen"}, ignore) for _ in range(2)] == [heard, heard]


def test_environment_reaches_the_child(request, monkeypatch):
    """A child has our environment, and what is added to it; ours stays as it is."""
    monkeypatch.setenv("OURS", "inherited")
    monkeypatch.setenv("BOTH", "ours")
    child = Child("tests.harness.echo", {"ADDED": "new", "BOTH": "the child's"})
    request.addfinalizer(child.close)
    held = [child.ask({"do": "environment", "name": name}, ignore) for name in ("OURS", "ADDED", "BOTH", "NEITHER")]

    assert held == ["inherited", "new", "the child's", None]
    assert ("ADDED" in os.environ, os.environ["BOTH"]) == (False, "ours")


def test_silent_child_is_ended(child):
    """A child that says nothing for too long is ended; the error says so, and what it printed before it fell silent."""
    child.ask({"do": "say", "say": "it serves now"}, ignore)

    with pytest.raises(
        JobError, match=r"tests\.harness\.echo said nothing for 1 s and was ended; its last lines:\nthe last word$"
    ):
        child.ask({"do": "wait", "lines": ["the last word"]}, ignore, silence=1)
    assert not child.alive


def test_progress_is_no_silence(child):
    """A child that works for longer than it may be silent, but says that it goes on, is left alone."""
    told = []
    child.ask({"do": "dawdle", "times": 10, "pause": 0.3}, lambda text, _: told.append(text), silence=2)

    assert told == [f"step {number}" for number in range(10)]


def test_failed_job_of_a_patient_caller_leaves_the_child(child):
    """An error within the time is that error, and the child goes on."""
    with pytest.raises(JobError, match=r"^this time$"):
        child.ask({"do": "fail", "why": "this time"}, ignore, silence=60)

    assert child.ask({"do": "say", "say": "next"}, ignore, silence=60) == "next"


def test_dead_child_takes_no_job(child):
    """A job for a child that is dead is an error that says how it ended, each time."""
    with pytest.raises(JobError, match="SIGKILL"):
        child.ask({"do": "die", "signal": "SIGKILL"}, ignore)

    assert not child.alive
    with pytest.raises(JobError, match="SIGKILL"):
        child.ask({"do": "say", "say": "hello"}, ignore)


def test_death_by_a_signal_without_a_name_is_an_error(child):
    """A child that a real-time signal ended, which has no name, is an error with its number."""
    child.ask({"do": "say", "say": "it serves now"}, ignore)
    child.process.send_signal(40)

    with pytest.raises(JobError, match=r"tests\.harness\.echo was killed by signal 40"):
        child.ask({"do": "say", "say": "hello"}, ignore)


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_child_whose_caller_breaks_off_is_killed(child, error):
    """Where the progress callback raises, its error passes through, and the child ends with its job unanswered."""

    def break_off(*_):
        raise error

    with pytest.raises(error):
        child.ask({"do": "wait"}, break_off)
    with pytest.raises(JobError, match="was killed by SIGKILL"):
        child.ask({"do": "say", "say": "hello"}, ignore)
    assert not child.alive


def test_killing_a_child_frees_who_waits(child):
    """A thread that waits for an answer is given an error when the child is killed."""
    waiting = Event()
    with ThreadPoolExecutor() as threads:
        answer = threads.submit(child.ask, {"do": "wait"}, lambda *_: waiting.set())
        waiting.wait()
        child.kill()

    with pytest.raises(JobError, match="SIGKILL"):
        answer.result()


def test_interrupt_does_not_end_a_child(child):
    """Ctrl-C reaches parent and child; what ends is the parent's decision."""
    child.ask({"do": "say", "say": "it serves now"}, ignore)
    child.process.send_signal(signal.SIGINT)

    assert child.ask({"do": "say", "say": "still here"}, ignore) == "still here"


def test_closed_child_is_gone():
    """Closing ends the process at once, also in the middle of its start."""
    child = Child("tests.harness.echo")
    child.close()

    assert not child.alive


@pytest.mark.parametrize("silence", [None, 60])
def test_child_leaves_in_order(child, silence):
    """A child that is told to leave ends by itself, after what was to be done at its end."""
    child.ask({"do": "will", "job": {"do": "chatter"}}, ignore)
    child.leave(silence)

    assert (child.alive, child.process.returncode) == (False, 0)


def test_child_that_never_worked_can_leave(child):
    """A child that is told to leave before it was asked for anything ends in order."""
    child.leave()

    assert child.process.returncode == 0


def test_crash_of_a_leaving_child_is_an_error(child):
    """A child that dies at its end, when all jobs were answered, is an error that says so, with its last lines."""
    child.ask({"do": "will", "job": {"do": "die", "signal": "SIGABRT", "lines": ["a destructor fails"]}}, ignore)

    told = r"(?s)echo was killed by SIGABRT as it ended, its work done; its last lines:.*a destructor fails$"
    with pytest.raises(JobError, match=told):
        child.leave()


def test_status_of_a_leaving_child_is_an_error(child):
    """A child that ends with another status than 0, when all jobs were answered, is an error that says so."""
    child.ask({"do": "will", "job": {"do": "die", "status": 3}}, ignore)

    with pytest.raises(JobError, match=r"echo ended with status 3 as it ended, its work done"):
        child.leave()


def test_child_that_does_not_end_is_ended(child):
    """A child that is told to leave, and hangs over that, is ended; the error says so."""
    child.ask({"do": "will", "job": {"do": "wait", "mute": True}}, ignore)

    with pytest.raises(JobError, match=r"echo had not ended 1 s after its work was done, and was ended"):
        child.leave(1)
    assert not child.alive


def test_dead_child_cannot_leave(child):
    """A child that is dead when it is told to leave is an error that says how it died."""
    with pytest.raises(JobError, match="SIGKILL"):
        child.ask({"do": "die", "signal": "SIGKILL"}, ignore)

    with pytest.raises(JobError, match="SIGKILL"):
        child.leave()


@pytest.mark.parametrize("doing", [[], ["wait"]], ids=["idle", "at work"])
def test_child_dies_with_its_parent(start, doing):
    """A child whose parent was killed ends by itself, also in the middle of a job."""
    parent = start("parent", *doing)
    child = os.pidfd_open(int(parent.stdout.readline()))
    assert [parent.stdout.readline() for _ in doing] == ["waiting\n" for _ in doing]
    parent.kill()

    assert select.select([child], [], [], 60)[0] == [child]
    os.close(child)
