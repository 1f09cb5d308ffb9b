"""Asking the supervisor of an instance over its socket."""

from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any
from xmlrpc.client import Fault, ServerProxy

from supervisor.states import ProcessStates, getProcessStateDescription
from supervisor.xmlrpc import Faults, SupervisorTransport


class ControlError(Exception):
    """The supervisor does not answer."""


@dataclass(frozen=True, slots=True)
class ProgramState:
    """One program as the supervisor sees it; `pid` is 0 while there is no process."""

    name: str
    group: str
    pid: int
    state: int
    detail: str

    @property
    def full_name(self) -> str:
        """The supervisor's name for it."""
        return f"{self.group}:{self.name}"

    @property
    def state_name(self) -> str:
        """RUNNING, STARTING, BACKOFF, FATAL and so on."""
        return str(getProcessStateDescription(self.state))

    @property
    def gave_up(self) -> bool:
        """Tell whether the supervisor has stopped trying to keep it alive."""
        return self.state == int(ProcessStates.FATAL)


class Control:
    """A connection to the supervisor of one instance."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    def _call(self, method: str, *arguments: Any) -> Any:
        # A connection for each question: it is local, rare, and survives nothing that could go stale.
        transport = SupervisorTransport(None, None, f"unix://{self._socket}")
        try:
            with ServerProxy("http://localhost", transport) as server:
                return getattr(server.supervisor, method)(*arguments)
        except (OSError, HTTPException) as error:
            raise ControlError(f"{method}: {error}") from error

    def states(self) -> dict[str, ProgramState]:
        """Return every program by its name."""
        return {
            info["name"]: ProgramState(
                name=info["name"],
                group=info["group"],
                pid=info["pid"],
                state=info["state"],
                detail=info["spawnerr"] or info["description"],
            )
            for info in self._call("getAllProcessInfo")
        }

    def start(self, full_name: str) -> None:
        """Start a program without waiting for it; one that runs already is left as it is."""
        try:
            self._call("startProcess", full_name, False)
        except Fault as fault:
            # What cannot be started shows up in `states` and is reported from there.
            if fault.faultCode not in (
                Faults.ALREADY_STARTED,
                Faults.SPAWN_ERROR,
                Faults.ABNORMAL_TERMINATION,
            ):
                raise ControlError(f"start {full_name}: {fault.faultString}") from fault

    def shutdown(self) -> None:
        """Stop every program, then the supervisor; returns at once."""
        self._call("shutdown")
