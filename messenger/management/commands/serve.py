import signal
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from broadcasts.first_administrator import NAME, ensure_first_administrator
from broadcasts.models import School, User
from broadcasts.sample_school import load_sample_school
from messenger.serving import CannotServe, only_server_of, open_port, serve_web, start_services


class Command(BaseCommand):
    help = "Serve the portal on 127.0.0.1 with everything it needs in one process, until Ctrl-C."

    def handle(self, *args: Any, **options: Any) -> None:
        signal.signal(signal.SIGTERM, _stop)
        try:
            with ExitStack() as stack:
                stack.enter_context(only_server_of(Path(settings.MESSENGER_HOME)))
                listening = open_port(settings.PORT)
                stack.callback(listening.close)
                self._prepare_database()
                start_services(stack)
                self._greet()
                serve_web(listening)
        except CannotServe as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            pass
        self.stdout.write("Messenger has stopped.")

    def _prepare_database(self) -> None:
        call_command("migrate", verbosity=0, interactive=False)
        if not School.objects.exists() and not User.objects.exists():
            load_sample_school()

    def _greet(self) -> None:
        password = ensure_first_administrator()
        self.stdout.write(f"Messenger is ready at http://127.0.0.1:{settings.PORT}/")
        if password:
            self.stdout.write(f"Sign in as {NAME} with the password {password}")
        else:
            self.stdout.write(
                "Sign in with your own account. Password lost: .venv/bin/python manage.py changepassword NAME"
            )
        self.stdout.write("Stop with Ctrl-C.")
        self.stdout.flush()


def _stop(*_: object) -> None:
    raise KeyboardInterrupt
