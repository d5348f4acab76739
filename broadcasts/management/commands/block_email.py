"""The Blocked Email list from the shell."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from broadcasts.addresses import address_key, explain_invalid
from broadcasts.blocking import block_addresses, unblock_addresses
from broadcasts.models import BlockedEmail, BlockLevel


class Command(BaseCommand):
    help = "Puts addresses on the Blocked Email list, or takes them off it. Nobody can write to a blocked address."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("addresses", nargs="+", metavar="ADDRESS")
        parser.add_argument("--reason", default="", help="Why; needed when adding. It is kept with the address.")
        parser.add_argument(
            "--except-emergency", action="store_true", help="Broadcasts of an emergency type still go to them."
        )
        parser.add_argument("--remove", action="store_true", help="Take the addresses off the list.")

    def handle(
        self, *, addresses: list[str], reason: str, remove: bool, except_emergency: bool, **_options: Any
    ) -> None:
        reason = reason.strip()
        if remove:
            self.remove(addresses, reason)
            return
        if not reason:
            raise CommandError("Say why with --reason. Nothing was changed.", returncode=2)
        for address in addresses:
            if why := explain_invalid(address):
                raise CommandError(f"{address}: {why} Nothing was changed.", returncode=2)
        self.add(addresses, reason, BlockLevel.EXCEPT_EMERGENCY if except_emergency else BlockLevel.EVERYTHING)

    def add(self, addresses: list[str], reason: str, level: BlockLevel) -> None:
        added = block_addresses(addresses, reason=reason, source=BlockedEmail.Source.SHELL, level=level)
        self.tell(addresses, {row.key for row in added}, "blocked", "was blocked already")

    def remove(self, addresses: list[str], reason: str) -> None:
        removed = unblock_addresses(addresses, reason=reason)
        keys = {address_key(address) for address in removed}
        self.tell(addresses, keys, "no longer blocked", "was not blocked")

    def tell(self, addresses: list[str], done: set[str], now: str, before: str) -> None:
        seen: set[str] = set()
        for address in addresses:
            key = address_key(address)
            if key not in seen:
                self.stdout.write(f"{address.strip()}: {now if key in done else before}")
            seen.add(key)
