"""Starts one instance, says when it is ready, keeps it running, and stops all of it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import FrameType
from typing import NoReturn

from stocking.launch import ownership, readiness, stores
from stocking.launch.control import Control, ControlError, ProgramState
from stocking.launch.plan import (
    LaunchError,
    Plan,
    child_environment,
    free_store_ports,
    make_run_dir,
    new_password,
    port_is_free,
    python,
    sqlite_url,
    store_url,
    write_instance_file,
)
from stocking.launch.programs import (
    CRASHES_BEFORE_GIVING_UP,
    STORES,
    Program,
    service_programs,
    store_program,
    supervisor_configuration,
)
from stocking.launch.watch import CrashWatch, log_tail

START_SECONDS = 120.0
STORE_START_SECONDS = 60.0
STOP_SECONDS = 25.0
POLL_SECONDS = 0.1
WATCH_SECONDS = 0.5
RETRY_SECONDS = 5.0
REPEATED_SIGNAL_SECONDS = 1.0
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequested(BaseException):
    """Ctrl-C or a signal: leave whatever is being done and stop."""


def say(text: str) -> None:
    """Write a line to the terminal, which may be gone."""
    with suppress(OSError, ValueError):
        print(text, flush=True)


class Launcher:
    """One run of one instance."""

    def __init__(self, plan: Plan, environment: Mapping[str, str]) -> None:
        self.plan = plan
        self._token = os.urandom(16).hex()
        self._outside = environment
        self._environment: dict[str, str] = {}
        self._programs: list[Program] = []
        self._store_ports: list[int] = []
        self._record: ownership.Record | None = None
        self._supervisor: subprocess.Popen[bytes] | None = None
        self._control: Control | None = None
        self._watch = CrashWatch()
        self._stop_requested_at: float | None = None
        self._impatient = False

    def run(self) -> int:
        """Start, watch until told to stop, stop; return the exit status."""
        for signum in STOP_SIGNALS:
            signal.signal(signum, self._on_signal)
        try:
            self._check_place()
            try:
                self._start()
                self._keep_running()
            finally:
                self._stop()
        except StopRequested:
            return 0
        except LaunchError as error:
            print(f"\n{error}" if self._record else str(error), file=sys.stderr, flush=True)
            return 1

    def _on_signal(self, signum: int, frame: FrameType | None) -> None:
        """The first signal interrupts what is being done; a later one shortens the waiting for the end.

        The same request may come twice at once: from the terminal and from make, which passes it on.
        """
        if self._stop_requested_at is None:
            self._stop_requested_at = time.monotonic()
            raise StopRequested
        if time.monotonic() - self._stop_requested_at > REPEATED_SIGNAL_SECONDS:
            self._impatient = True

    # Starting -------------------------------------------------------------------------------------

    def _check_place(self) -> None:
        """Refuse before anything is touched: a second launcher of this directory, or a busy port."""
        self._lock = ownership.lock_instance(self.plan)
        ownership.clean_up_after_killed_launcher(self.plan.var_dir, say)
        if not port_is_free(self.plan.port):
            raise LaunchError(
                f"Port {self.plan.port} is busy: another program listens on it. "
                f"Stop that program or choose another port:\n  PORT={self.plan.port + 1} make run"
            )

    def _start(self) -> None:
        began = time.monotonic()
        say(f"Starting Stocking (state and logs: {self.plan.var_dir}) …")
        self._prepare_files()
        self._start_supervisor()
        self._start_programs([program for program in self._programs if program.group == STORES])
        self._wait_for("the stores", self._silent_store, STORE_START_SECONDS)
        self._prepare_database()
        self._start_programs([program for program in self._programs if program.group != STORES])
        self._wait_for("the game", lambda: readiness.missing_part(self.plan.base_url), START_SECONDS)
        say(f"Stocking is ready at {self.plan.base_url}")
        say(f"(after {time.monotonic() - began:.1f} s; Ctrl-C stops it)")

    def _prepare_files(self) -> None:
        """Choose ports, write all configuration and the state file."""
        plan = self.plan
        (plan.var_dir / "log").mkdir(exist_ok=True)
        addresses = {
            "DATABASE_URL": self._outside.get("DATABASE_URL") or sqlite_url(plan.var_dir / "db.sqlite3")
        }
        embedded = (
            ("gate", "ORDER_REDIS_URL", stores.GATE_RULES),
            ("bus", "BUS_REDIS_URL", stores.BUS_RULES),
        )
        ports = free_store_ports(len(embedded), but=plan.port)
        password = new_password()
        for (name, variable, rules), port in zip(embedded, ports, strict=True):
            if self._outside.get(variable):
                addresses[variable] = self._outside[variable]
                continue
            configuration = stores.write_store_configuration(
                plan.var_dir / name, port=port, password=password, rules=rules
            )
            self._programs.append(store_program(name, stores.server_binary(), configuration))
            self._store_ports.append(port)
            addresses[variable] = store_url(port, password)
        self._programs += service_programs(plan)

        run_dir = make_run_dir(plan)
        self._record = ownership.Record(self._token, os.getpid(), plan.port, str(run_dir))
        ownership.write_record(plan.var_dir, self._record)
        self._control = Control(self._record.control_socket)
        self._environment = child_environment(plan, self._outside, addresses=addresses, token=self._token)
        write_instance_file(plan, self._environment, addresses)
        configuration_path = plan.var_dir / "supervisord.conf"
        configuration_path.write_text(supervisor_configuration(self._programs, run_dir), encoding="utf-8")

    def _start_supervisor(self) -> None:
        """Start supervisord in a session of its own: Ctrl-C reaches the launcher only, which stops all."""
        with (self.plan.var_dir / "log" / "supervisord.out").open("wb") as output:
            self._supervisor = subprocess.Popen(
                [python(), "-m", "stocking.launch.supervise", str(self.plan.var_dir / "supervisord.conf")],
                cwd=self.plan.root,
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._wait_for("the supervisor", self._silent_supervisor, STORE_START_SECONDS, watch=False)

    def _silent_supervisor(self) -> str | None:
        try:
            self._asked().states()
        except ControlError as error:
            return str(error)
        return None

    def _silent_store(self) -> str | None:
        silent = [str(port) for port in self._store_ports if not readiness.store_answers(port)]
        return f"no answer on port {', '.join(silent)}" if silent else None

    def _start_programs(self, programs: list[Program]) -> None:
        for program in programs:
            self._asked().start(program.full_name)

    def _prepare_database(self) -> None:
        """Bring the tables up to date and put in what a game needs; the seed prints to the terminal."""
        say("Preparing the database …")
        log = self.plan.log_file("migrate")
        with log.open("wb") as output:
            status = self._manage(["migrate", "--no-input"], output.fileno())
        if status != 0:
            raise LaunchError(f"The migrations failed ({log}):\n{log_tail(log)}")
        if self._manage(["seed"], None) != 0:
            raise LaunchError("The seed data could not be put in; the reason stands above.")

    def _manage(self, arguments: list[str], output: int | None) -> int:
        """Run one management command to its end, or end it when told to stop."""
        with subprocess.Popen(
            [python(), "manage.py", *arguments],
            cwd=self.plan.root,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=None if output is None else subprocess.STDOUT,
            start_new_session=True,
        ) as command:
            try:
                while True:
                    with suppress(subprocess.TimeoutExpired):
                        return command.wait(timeout=WATCH_SECONDS)
                    self._give_up_on_crashes()
            except BaseException:
                command.kill()
                raise

    def _wait_for(
        self, what: str, missing: Callable[[], str | None], limit_seconds: float, *, watch: bool = True
    ) -> None:
        """Wait until nothing is missing; LaunchError at the limit, or as soon as a program keeps crashing."""
        deadline = time.monotonic() + limit_seconds
        while (reason := missing()) is not None:
            if time.monotonic() > deadline:
                raise LaunchError(
                    f"Stocking did not start: {what} not ready after {limit_seconds:.0f} s ({reason}).\n"
                    f"The last lines of {self.plan.log_file('web')}:\n{log_tail(self.plan.log_file('web'))}"
                )
            self._give_up_on_crashes(ask=watch)
            time.sleep(POLL_SECONDS)

    def _give_up_on_crashes(self, *, ask: bool = True) -> None:
        """During the start: LaunchError when the supervisor is gone or a program crashes again and again."""
        self._require_supervisor()
        if not ask:
            return
        for state in self._watch.observe(self._states()):
            if state.gave_up or self._watch.crashes[state.name] >= CRASHES_BEFORE_GIVING_UP:
                raise LaunchError(f"Stocking did not start: {self._crash_report(state)}")

    # Running --------------------------------------------------------------------------------------

    def _keep_running(self) -> NoReturn:
        """Report crashes, and after a while try again what the supervisor has given up."""
        retry_at: dict[str, float] = {}
        reported_at: dict[str, float] = {}
        while True:
            time.sleep(WATCH_SECONDS)
            self._require_supervisor()
            states = self._states()
            now = time.monotonic()
            for state in self._watch.observe(states):
                if now - reported_at.get(state.name, -RETRY_SECONDS) >= RETRY_SECONDS:
                    say(f"{self._crash_report(state)}\nIt is being restarted.")
                reported_at[state.name] = now
                if state.gave_up:
                    retry_at[state.name] = now + RETRY_SECONDS
            for name in [name for name, due in retry_at.items() if now >= due]:
                del retry_at[name]
                if states[name].gave_up:
                    self._asked().start(states[name].full_name)

    def _states(self) -> dict[str, ProgramState]:
        """Ask the supervisor; one that does not answer is judged by its process, in `_require_supervisor`."""
        try:
            return self._asked().states()
        except ControlError:
            return {}

    def _asked(self) -> Control:
        if self._control is None:
            raise RuntimeError("asked the supervisor before its socket was chosen")
        return self._control

    def _require_supervisor(self) -> None:
        """Every loop calls this: LaunchError when the supervisor is gone, StopRequested when a signal was missed."""
        if self._stop_requested_at is not None:  # raised where Python ignores exceptions (a finalizer)
            raise StopRequested
        if self._supervisor is not None and self._supervisor.poll() is not None:
            log = self.plan.var_dir / "log" / "supervisord.out"
            raise LaunchError(
                f"The supervisor ended (status {self._supervisor.returncode}); everything is being stopped.\n"
                f"{log_tail(log)}\n{log_tail(self.plan.log_file('supervisord'))}"
            )

    def _crash_report(self, state: ProgramState) -> str:
        log = self.plan.log_file(state.name)
        return (
            f"{state.name} crashed ({state.state_name}: {state.detail}). The end of {log}:\n{log_tail(log)}"
        )

    # Stopping -------------------------------------------------------------------------------------

    def _stop(self) -> None:
        """Stop the services, then the stores, then the supervisor; whatever is left after that is killed."""
        if self._record is None:
            return
        if self._stop_requested_at is None:  # the start failed: from here a signal no longer interrupts
            self._stop_requested_at = time.monotonic()
        say("\nStopping …")
        if self._supervisor is not None:
            try:
                self._asked().shutdown()
            except ControlError:
                self._supervisor.terminate()
            deadline = time.monotonic() + STOP_SECONDS
            while self._supervisor.poll() is None and time.monotonic() < deadline:
                if self._impatient:
                    self._supervisor.kill()
                time.sleep(POLL_SECONDS)
            if self._supervisor.stdin is not None:
                self._supervisor.stdin.close()
        ownership.end_owned_processes(self._token, impatient=lambda: self._impatient)
        ownership.forget(self.plan.var_dir, self._record)
        say("Stopped.")
