from typing import Any

from django.core.management.base import BaseCommand

from broadcasts.first_administrator import NAME, ensure_first_administrator
from broadcasts.sample_school import load_sample_school


class Command(BaseCommand):
    help = "Load a sample school: broadcast types, senders, families, and an administrator when there is nobody yet."

    def handle(self, *args: Any, **options: Any) -> None:
        school = load_sample_school()
        password = ensure_first_administrator()
        self.stdout.write(f"{school} is ready.")
        if password:
            self.stdout.write(f"Sign in as {NAME} with the password {password}")
