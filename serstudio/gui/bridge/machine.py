"""What this machine computes with, and how much of its memory is free; lives as long as the window."""

import psutil
from PySide6.QtCore import QObject, QTimer, Signal

from serstudio.gui.bridge.jobs import Job, JobRunner
from serstudio.usecases.requests import DescribeMachine, MachineDescribed, MeasureMemory, MemoryMeasured
from serstudio.usecases.worker_process import Failed

LOOK_MS = 5000


class Machine(QObject):
    """Asks the engine's process, which alone knows the device, while it has nothing else to do."""

    described = Signal(object)  # MachineDescribed
    not_described = Signal(str)  # why, in words
    measured = Signal(object)  # MemoryMeasured

    def __init__(self, engine: JobRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine = engine
        self.description: MachineDescribed | None = None
        self.memory: MemoryMeasured | None = None
        self._has_timed = False
        self._is_owed = False  # the description failed, as where the engine could not be started
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_MS)
        self._timer.timeout.connect(self.on_timeout)
        engine.job_ended.connect(self.on_engine_job_ended)

    def describe(self) -> Job:
        """Have the line on the machine made; that warms the engine's process up, too."""
        job = self._engine.submit(DescribeMachine())
        job.done.connect(self.on_described)
        job.failed.connect(self.on_failed)
        self._timer.start()
        return job

    def time_tuning(self) -> None:
        """Have a step of tuning timed if that was never done here; asked for once."""
        wanted = self.description is not None and self.description.step_s is None
        if wanted and not self._has_timed and not self._engine.closed:
            self._has_timed = True
            self._engine.submit(DescribeMachine(tuning=True)).done.connect(self.on_described)

    def measure(self) -> None:
        """Look at the memory now, unless the engine is at work."""
        if not self._engine.busy and not self._engine.closed:
            self._engine.submit(MeasureMemory()).done.connect(self.on_measured)

    def on_described(self, description: MachineDescribed) -> None:
        self.description, self._is_owed = description, False
        self.described.emit(description)

    def on_failed(self, failed: Failed) -> None:
        self._is_owed = True
        self.not_described.emit(failed.message)

    def on_measured(self, memory: MemoryMeasured) -> None:
        self.memory = memory
        self.measured.emit(memory)

    def on_engine_job_ended(self, job: Job) -> None:
        """The end of what the user asked for is the moment to make up for a description that failed."""
        if self._is_owed and not isinstance(job.request, DescribeMachine | MeasureMemory) and not self._engine.closed:
            self.describe()
        elif not isinstance(job.request, MeasureMemory):
            self.measure()

    def on_timeout(self) -> None:
        """The system's own memory can be read here, so also while the engine works."""
        system = psutil.virtual_memory()
        if self._computes_in(system.total):
            name = self.memory.device if self.memory is not None else "CPU"
            self.on_measured(MemoryMeasured(name, system.available, system.total))
        else:
            self.measure()

    def _computes_in(self, total_bytes: int) -> bool:
        """Whether what computes uses the system's memory, of so many bytes."""
        if self.memory is not None:
            return self.memory.total_bytes == total_bytes
        return self.description is not None and self.description.devices[:1] == ("cpu",)
