"""What HTTP says of a prompt, from recorded answers."""

import pytest

from client import refusal, views
from client.views import Completed, EngineFile, Errored, InProgress, Interrupted, Pending, Unknown
from tests.support import captures
from tests.support.scripted import history, one_video


def entry(name):
    return next(iter(captures.answer(name).values()))


@pytest.mark.parametrize("name", ["history_video", "history_video_cached"])
def test_success_names_the_video_listed_as_image(name):
    view = views.from_history(entry(name))
    assert isinstance(view, Completed)
    assert [(f.subfolder, f.type, f.filename.endswith(".mp4")) for f in view.files] == [("probe", "output", True)]


def test_errors_keep_the_exception_and_drop_the_tensors():
    view = views.from_history(entry("history_error_value"))
    assert isinstance(view, Errored)
    assert view.exception_type == "ValueError"
    assert "tensor" not in view.message + view.traceback


def test_out_of_memory_has_its_own_code():
    view = views.from_history(entry("history_error_oom"))
    assert refusal.failure(view).code == "out_of_memory"


def test_an_interrupt_is_told_from_an_error_though_both_say_error():
    body = history("p", one_video(), ("execution_interrupted", {"node_id": "2"}))[1]
    assert views.from_history(body["p"]) == Interrupted()


@pytest.mark.parametrize("key", ["images", "videos", "gifs", "video"])
def test_videos_are_known_by_extension_under_any_key(key):
    outputs = {"9": {key: [{"filename": "a.MP4", "subfolder": "", "type": "output"}, {"filename": "a.png"}, "x"]}}
    assert list(views.video_files(outputs)) == [EngineFile("a.MP4", "", "output")]


def test_positions_in_the_recorded_queues():
    jobs = captures.answer("jobs_1running_3pending")["jobs"]
    queue = captures.answer("queue_1running_3pending")
    running = next(row["id"] for row in jobs if row["status"] == "in_progress")
    waiting = sorted((row["priority"], row["id"]) for row in jobs if row["status"] == "pending")
    for ahead, (_, prompt_id) in enumerate(waiting, 1):
        assert views.from_jobs(jobs, prompt_id) == Pending(ahead)
        assert views.from_queue(queue, prompt_id) == Pending(ahead)
    assert views.from_jobs(jobs, running) == views.from_queue(queue, running) == InProgress()
    assert views.from_jobs(jobs, "x") == views.from_queue(queue, "x") == Unknown()


TIPS = "\nThis error means you ran out of memory on your GPU.\n\nTIPS: ..."


@pytest.mark.parametrize(
    ("type_", "message"),
    [
        ("torch.OutOfMemoryError", "Allocation on device" + TIPS),
        ("torch.cuda.OutOfMemoryError", "CUDA out of memory." + TIPS),
        ("torch.AcceleratorError", "CUDA error: out of memory" + TIPS),
        ("RuntimeError", "MPS backend out of memory (MPS allocated: 17.00 GB, max allowed: 18.13 GB)."),
        ("RuntimeError", "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."),
        ("RuntimeError", "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        ("RuntimeError", "Could not allocate tensor with 9 bytes. There is not enough GPU video memory available!"),
        ("OSError", "[Errno 12] Cannot allocate memory"),
        ("MemoryError", ""),
        ("numpy._core._exceptions._ArrayMemoryError", "Unable to allocate 12.0 GiB for an array"),
    ],
)
def test_memory_that_ran_out_is_known_however_it_is_said(type_, message):
    assert refusal.failure(Errored("KSampler", type_, message, "")).code == "out_of_memory"


def test_another_error_is_none_of_memory():
    error = refusal.failure(Errored("KSampler", "RuntimeError", "CUDA error: an illegal memory access", ""))
    assert error.code == "execution_failed"
