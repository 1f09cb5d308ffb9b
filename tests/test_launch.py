"""The launcher behind `make run`, with stand-ins for the game's own processes (see tests/standin.py)."""

import os
import signal
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from stocking.launch.ownership import Record, owned_processes, write_record
from stocking.launch.plan import LaunchError, Plan, plan_from_environment, port_is_free
from stocking.launch.programs import service_programs, supervisor_configuration
from tests.instance import Instance, free_port, wait_until
from tests.standin import make_stand_in

pytestmark = [pytest.mark.flow, pytest.mark.timeout(60)]

DIFFICULT_NAME = "주식 게임 100% ;a #b 'c' \"d\""
PROGRAMS = {"gate", "bus", "web", "engine", "jobs", "clock", "beat", "practice"}


def is_alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        if os.path.exists("/proc/self/stat"):
            return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return make_stand_in(tmp_path / DIFFICULT_NAME)


@pytest.fixture
def instance(checkout: Path) -> Iterator[Instance]:
    made = Instance(root=checkout, var_dir=checkout / "var")
    yield made
    made.stop()


def test_starts_in_a_directory_with_a_difficult_name_and_leaves_nothing_behind(instance: Instance) -> None:
    instance.start()
    assert f"Stocking is ready at {instance.base_url}/\n" in instance.output
    assert instance.output.index("manage.py seed was here") < instance.output.index("Stocking is ready")
    pids = instance.pids()
    assert set(pids) == PROGRAMS
    assert all(pids.values())
    environment_file = instance.var_dir / "instance.env"
    assert stat.S_IMODE(environment_file.stat().st_mode) == 0o600
    addresses = instance.env
    assert instance.database_file == instance.var_dir / "db.sqlite3"
    ports = [
        int(addresses[name].rsplit(":", 1)[1].split("/")[0]) for name in ("ORDER_REDIS_URL", "BUS_REDIS_URL")
    ]
    processes, record = instance.processes(), instance.record
    assert set(pids.values()) <= set(processes)

    assert instance.stop(signal.SIGINT) == 0

    assert [pid for pid in processes if is_alive(pid)] == []
    assert all(port_is_free(port) for port in [instance.port, *ports])
    assert not environment_file.exists()
    assert not Path(record.run_dir).exists()


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGHUP])
def test_other_signals_stop_it_too(instance: Instance, signum: signal.Signals) -> None:
    instance.start()
    processes = instance.processes()
    assert instance.stop(signum) == 0
    assert [pid for pid in processes if is_alive(pid)] == []


def test_a_signal_during_the_start_stops_it(instance: Instance) -> None:
    instance.launch()
    wait_until(lambda: "Preparing" in instance.output, 20, "the database is being prepared")
    token = instance.record.token
    assert instance.stop(signal.SIGINT) == 0
    assert owned_processes(token) == []
    assert not (instance.var_dir / "instance.env").exists()


def test_a_busy_port_is_said_before_anything_is_touched(checkout: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        refused = Instance(root=checkout, var_dir=checkout / "var", port=port).launch()
        wait_until(lambda: refused.ended, 20, "the launcher gives up")
        assert refused.stop() == 1
    assert f"Port {port} is busy" in refused.output
    assert f"PORT={port + 1}" in refused.output
    assert "Traceback" not in refused.output
    assert os.listdir(checkout / "var") == ["launch.lock"]


def test_a_second_instance_of_the_same_directory_is_refused_and_the_first_plays_on(
    instance: Instance,
) -> None:
    instance.start()
    before = instance.env, instance.pids()
    second = Instance(root=instance.root, var_dir=instance.var_dir).launch()
    wait_until(lambda: second.ended, 20, "the second launcher gives up")
    assert second.stop() == 1
    assert f"already running from {instance.var_dir} at {instance.base_url}/" in second.output
    assert (instance.env, instance.pids()) == before


def test_a_killed_program_is_restarted_and_its_end_reported(instance: Instance) -> None:
    instance.start()
    for program in ("engine", "web", "gate"):
        assert instance.wait_restarted(program, instance.kill(program)) > 0
    wait_until(lambda: "engine crashed" in instance.output, 10, "the crash is reported")


def test_a_program_that_keeps_crashing_ends_the_start_with_its_last_words(instance: Instance) -> None:
    (instance.root / "broken").touch()
    (instance.root / "stocking" / "asgi.py").write_text("raise RuntimeError('no application today')")
    instance.launch()
    wait_until(lambda: instance.ended, 40, "the launcher gives up")
    assert instance.stop() == 1
    assert "Stocking did not start: " in instance.output
    assert "broken on purpose" in instance.output or "no application today" in instance.output
    assert not (instance.var_dir / "run.json").exists()


def test_without_its_launcher_everything_ends_by_itself(instance: Instance) -> None:
    instance.start()
    processes = instance.processes()
    os.kill(instance.launcher_pid, signal.SIGKILL)
    wait_until(lambda: not any(is_alive(pid) for pid in processes), 20, "all processes have ended")
    instance.stop()
    again = Instance(root=instance.root, var_dir=instance.var_dir, port=instance.port)
    with again:
        assert set(again.pids()) == PROGRAMS


def test_the_next_run_ends_what_a_killed_launcher_and_supervisor_left(instance: Instance) -> None:
    instance.start()
    pids, processes = instance.pids(), instance.processes()
    [supervisor] = set(processes) - set(pids.values())
    os.kill(supervisor, signal.SIGSTOP)  # so that it cannot stop anything when its launcher is gone
    os.kill(instance.launcher_pid, signal.SIGKILL)
    os.kill(supervisor, signal.SIGKILL)
    assert is_alive(pids["gate"])
    with Instance(root=instance.root, var_dir=instance.var_dir, port=instance.port) as again:
        assert "which an earlier run left behind" in again.output
        assert [pid for pid in processes if is_alive(pid)] == []


def test_a_recorded_id_that_belongs_to_somebody_else_now_is_left_alone(checkout: Path) -> None:
    (checkout / "var").mkdir()
    write_record(checkout / "var", Record("0" * 32, os.getpid(), 8000, "/tmp/somebody-elses"))
    with Instance(root=checkout, var_dir=checkout / "var") as instance:
        assert "left behind" not in instance.output


def test_a_port_that_is_none_is_refused() -> None:
    for port in ("0", "65536", "http", "-1", "８０００"):
        with pytest.raises(LaunchError, match="PORT must be a number"):
            plan_from_environment({"PORT": port})


def test_every_program_of_the_game_is_supervised(tmp_path: Path) -> None:
    plan = Plan(root=tmp_path, var_dir=tmp_path, port=free_port())
    programs = service_programs(plan)
    configuration = supervisor_configuration(programs, tmp_path)
    assert PROGRAMS - {"gate", "bus"} == {program.name for program in programs}
    assert configuration.count("autorestart=true") == len(programs)


def test_the_same_signal_twice_at_once_still_stops_in_order(instance: Instance) -> None:
    instance.start()
    processes = instance.processes()
    os.kill(instance.launcher_pid, signal.SIGTERM)
    assert instance.stop(signal.SIGTERM) == 0
    assert [pid for pid in processes if is_alive(pid)] == []
    assert "bye bye" in instance.log("gate")  # the store's own words at an orderly end
