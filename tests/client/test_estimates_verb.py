"""`python -m client estimates`, and the measurement of a GPU with torch as somebody might have it."""

import json
import threading

import pytest

import client.__main__
from client.engine import Engine
from client.estimate import calibrate, history
from client.estimate.calibrate import NotMeasured
from client.estimate.estimator import Estimator
from client.estimate.history import Run
from client.estimate.learning import Observation
from client.machine import single
from client.store import Store
from tests.support.commands import eventually
from workflows import manifest
from workflows.checking import sample

TORCH = """
import time
bfloat16 = float16 = None
class Matrix:
    def __matmul__(self, other):
        time.sleep(0.001)
def randn(*shape, device, dtype):
    assert device == "cuda"
    return Matrix()
class cuda:
    is_available = staticmethod(lambda: {available})
    is_bf16_supported = staticmethod(lambda: True)
    synchronize = staticmethod(lambda: None)
    @staticmethod
    def get_device_properties(index):
        class Properties:
            name, total_memory = "Card of tomorrow", 48 * 10**9
        return Properties
"""


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("STUDIO_DATA", str(tmp_path))
    return tmp_path


@pytest.fixture
def torch(tmp_path, monkeypatch):
    """Puts a torch in front of whatever is installed."""

    def install(text):
        (tmp_path / "modules").mkdir(exist_ok=True)
        (tmp_path / "modules" / "torch.py").write_text(text)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path / "modules"))
        monkeypatch.setattr(calibrate, "SECONDS", 0.05)

    return install


def taught(data, device="draft", factor=2.0):
    store = Store(data / "studio.db")
    for number in range(6):
        run = Run(device, float(number), "t2v", "fast", 640, 384, 121, False, 10.0, 8.0, 12.0, 10.0 if number else 20.0)
        history.keep(store, device, [Observation("sample", 5.0, factor * 5.0, "t2v")], run)
    store.close()


def run(capsys, *arguments):
    code = client.__main__.main(["estimates", *arguments])
    return code, capsys.readouterr().out


def test_nothing_is_learnt_at_first(data, capsys):
    assert run(capsys) == (0, "Nothing learnt yet.\n")
    assert json.loads(run(capsys, "--json")[1]) == {"devices": []}


def test_it_says_what_was_learnt_and_how_good_it_was(data, capsys):
    taught(data)
    taught(data, "comfyui/NVIDIA H200/151 GB", 1.0)
    code, said = run(capsys)
    assert code == 0
    assert "Draft engine: 6 runs, median error 0% and 83% in range" in said
    assert "NVIDIA H200, 151 GB: 6 runs" in said
    assert "Sampling              1.9" in said or "Sampling              2.0" in said
    found = json.loads(run(capsys, "--json")[1])["devices"]
    by_device = {one["device"]: one for one in found}
    assert by_device["draft"]["runs"] == 6
    assert by_device["draft"]["kinds"]["sample"]["factor"] == pytest.approx(2.0, rel=0.05)
    assert by_device["draft"]["in_range"] == pytest.approx(5 / 6)


def test_a_gpu_is_measured_and_its_number_kept(data, capsys, torch):
    torch(TORCH.format(available=True))
    code, said = run(capsys, "--measure", "--json")
    measured = json.loads(said)["measured"]
    assert code == 0
    assert (measured["name"], measured["vram_gb"]) == ("Card of tomorrow", 48.0)
    assert measured["tflops"] > 0
    store = Store(data / "studio.db")
    engine = Engine("u", "alive", device="Card of tomorrow", machine=single("Card of tomorrow", "cuda", 48.0))
    device = Estimator(store, lambda: engine, data).device()
    store.close()
    assert (device.basis, device.tflops) == ("measured", pytest.approx(0.65 * measured["tflops"]))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (TORCH.format(available=False), "no GPU that torch can use"),
        ("import nothing_of_that_name", "No module named 'nothing_of_that_name'"),
        ("import os\nos._exit(3)", "exit code 3"),
        (
            TORCH.format(available=True).replace(
                '"Card of tomorrow"', "None\n            print()\n            name = {}"
            ),
            "",
        ),
    ],
)
def test_where_nothing_can_be_measured_it_says_why(data, capsys, torch, text, reason):
    torch(text)
    code, said = run(capsys, "--measure")
    assert code == 1
    assert "Not measured: " in said
    assert reason in said


def test_a_torch_that_has_much_to_say_is_heard_out(torch):
    torch("print('welcome to torch')\n" + TORCH.format(available=True))
    assert calibrate.measure().name == "Card of tomorrow"


@pytest.fixture
def asked():
    mode = manifest.mode("t2v")
    return sample(mode, mode.preset("fast"))


@pytest.fixture
def estimator(data):
    """An estimator on a card that nobody knows; `local` says whether it is this machine's."""
    store = Store(data / "studio.db")

    def on(local=True, queue=0, name="Card of tomorrow"):
        engine = Engine("u", "alive", device=name, machine=single(name, "cuda", 48.0), queue=queue)
        return Estimator(store, lambda: engine, data, local)

    yield on
    store.close()


def measuring():
    return [thread for thread in threading.enumerate() if thread.name == "measure-gpu"]


def test_an_unknown_gpu_of_this_machine_is_measured_by_itself(estimator, asked, torch):
    torch(TORCH.format(available=True))
    before = estimator()
    first = before.request(asked)
    assert "guess" in first.basis
    assert eventually(lambda: before.device().basis == "measured")
    assert "measurement" in before.request(asked).basis
    # And known from then on.
    assert estimator(local=False).device().basis == "measured"


def test_a_measurement_does_not_change_what_runs_have_taught(data, capsys, asked, estimator, torch):
    """They were compared with the guess; what a measurement would say instead, they have shown themselves."""
    torch(TORCH.format(available=True))
    store = Store(data / "studio.db")
    history.keep(store, estimator().device().key, [Observation("sample", 10.0, 20.0, "t2v")] * 5, None)
    store.close()
    before = estimator(local=False).request(asked)
    code, _ = run(capsys, "--measure")
    assert (code, estimator(local=False).request(asked)) == (0, before)
    itself = estimator()
    itself.request(asked)
    assert eventually(lambda: not measuring())
    assert itself.request(asked) == before


@pytest.mark.parametrize(
    "others", [{"local": False}, {"queue": 1}, {"name": "NVIDIA GeForce RTX 4090"}, {"name": "NVIDIA H200"}]
)
def test_no_other_gpu_is_measured_and_none_while_it_works(estimator, asked, torch, others):
    torch("raise SystemExit('measured')")
    estimator(**others).request(asked)
    assert measuring() == []


def test_a_gpu_that_is_not_the_engine_s_is_not_taken_for_it(estimator, asked, torch):
    torch(TORCH.format(available=True))
    other = estimator(name="Card of yesterday")
    other.request(asked)
    assert eventually(lambda: not measuring())
    assert other.device().basis == "guess"


def test_a_measurement_that_takes_too_long_is_given_up(torch, monkeypatch):
    torch("import time\ntime.sleep(60)")
    monkeypatch.setattr(calibrate, "PATIENCE_SECONDS", 0.3)
    with pytest.raises(NotMeasured):
        calibrate.measure()


def made(url, out):
    """Make a small video by the command line; its exit code."""
    values = {"prompt": "a kite", "width": 256, "height": 256, "seconds": 1}
    settings = [f"--set={name}={value}" for name, value in values.items()]
    return client.__main__.main(["run", "t2v", "--preset=fast", *settings, "--out", str(out), "--server", url])


def test_a_video_made_by_the_command_line_teaches_the_studio(data, draft_url, capsys):
    assert made(draft_url, data / "one.mp4") == 0
    assert made(draft_url, data / "two.mp4") == 0
    capsys.readouterr()
    assert client.__main__.main(["estimates", "--json"]) == 0
    (known,) = json.loads(capsys.readouterr().out)["devices"]
    assert (known["device"], known["runs"]) == ("draft", 2)
    store = Store(data / "studio.db")
    first, second = reversed(history.runs(store))
    assert store.read("SELECT COUNT(*) FROM jobs")[0][0] == 0
    store.close()
    assert first.predicted != second.predicted


def test_the_command_line_leaves_a_folder_alone_that_is_no_studio_s(draft_url, tmp_path, monkeypatch):
    monkeypatch.delenv("STUDIO_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    assert made(draft_url, tmp_path / "clip.mp4") == 0
    assert list((tmp_path / "data").iterdir()) == []


def test_a_database_that_can_not_be_read_is_no_reason_to_make_no_video(data, draft_url):
    (data / "studio.db").write_bytes(b"not a database" * 100)
    assert made(draft_url, data / "clip.mp4") == 0
