"""What administrators look after. Django's own look, one module per thing."""

from django.contrib import admin
from django.contrib.auth.models import Group
from django_dramatiq.admin import Task

from broadcasts.admin import (
    audit_trail,
    blocked_emails,
    blocking_policy,
    broadcast_types,
    retention,
    schools,
    senders,
    users,
)

__all__ = [
    "audit_trail",
    "blocked_emails",
    "blocking_policy",
    "broadcast_types",
    "retention",
    "schools",
    "senders",
    "users",
]

# What an account may do follows from its roles alone; groups would only pretend otherwise.
admin.site.unregister(Group)
# The database is the queue: what a broker remembers of its hints says nothing about emails.
admin.site.unregister(Task)
