"""Hints are shared out among all processes."""

import dramatiq


class FairQueues(dramatiq.Middleware):
    """A process takes no more hints than it has threads; dramatiq takes twice as many, and others stay idle."""

    def before_worker_boot(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:  # noqa: ARG002
        worker.queue_prefetch = worker.worker_threads
