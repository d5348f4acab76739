"""Fill the database of these settings: `python -m tests.faults.school FAMILIES MISHAPS [send]`.

Of MISHAPS there are so many families for each thing that a relay can do wrong. Prints the broadcast's number.
"""

import sys

import django


def main(families: int, mishaps: int, *, is_sent: bool) -> int:
    from broadcasts.delivering.controlling import send_now
    from broadcasts.models import ListMember
    from tests import factory
    from tests.benchmarks import school
    from tests.faults.relay import MISHAPS

    broadcast = school.make(families)
    factory.make_user("Alice", broadcast.school)
    everyone = broadcast.lists.get()
    for kind in MISHAPS:
        for number in range(mishaps):
            address = f"{kind.decode()}-{number}@homes.example"
            person = factory.make_person(broadcast.school, addresses=[address])
            ListMember.objects.create(list=everyone, person=person)
    if is_sent:
        assert send_now(broadcast, None)
    return broadcast.pk


if __name__ == "__main__":
    django.setup()
    print(main(int(sys.argv[1]), int(sys.argv[2]), is_sent="send" in sys.argv[3:]))
