"""What the first email of a process would wait for, done before it is asked to send any."""

import gc

import dramatiq


def warm_up() -> None:
    """Reads what an email is made with: templates, the addresses of our pages with all that they import, styles."""
    from broadcasts.composing.layout import preferences_url, style_sheet_inliner  # noqa: PLC0415 - models must be there

    preferences_url("token")
    style_sheet_inliner()
    # All of this stays: looking through it for garbage again and again took a third of a worker's time.
    gc.collect()
    gc.freeze()


class WarmUp(dramatiq.Middleware):
    """About a second of work: an emergency should not wait for it."""

    def before_worker_boot(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:  # noqa: ARG002
        warm_up()
