"""Accounts: who they are, and their roles. Nothing else decides what they may do."""

from typing import TYPE_CHECKING, Any

from allauth.account.admin import EmailAddress
from allauth.mfa.admin import Authenticator
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from broadcasts.admin.recording import RecordedAdmin, time_of
from broadcasts.models import Membership, User
from broadcasts.roles import signed_in_user

if TYPE_CHECKING:
    MembershipRows = BaseInlineFormSet[Membership, User, Any]
    MembershipRowsInline = admin.TabularInline[Membership, User]
    AccountAdmin = DjangoUserAdmin[User]
    ChangeForm = UserChangeForm[User]
    CreationForm = AdminUserCreationForm[User]
else:
    MembershipRows, MembershipRowsInline = BaseInlineFormSet, admin.TabularInline
    AccountAdmin, ChangeForm, CreationForm = DjangoUserAdmin, UserChangeForm, AdminUserCreationForm

# They show the secrets of other people's two-step sign-in, and addresses that the account already has.
admin.site.unregister([EmailAddress, Authenticator])


def email_of_nobody_else(form: Any) -> str:
    """People sign in with it, so it leads to one account."""
    email = str(form.cleaned_data["email"])
    if email and User.objects.filter(email__iexact=email).exclude(pk=form.instance.pk).exists():
        raise ValidationError(_("Another account has this email address."))
    return email


class UserForm(ChangeForm):
    clean_email = email_of_nobody_else

    class Meta:
        model = User
        fields = "__all__"


class NewUserForm(CreationForm):
    clean_email = email_of_nobody_else

    class Meta:
        model = User
        fields = ["username", "first_name", "last_name", "email"]


class RoleFormSet(MembershipRows):
    """The rules that hold between the rows of one user; those of a single row are the model's."""

    signed_in: User

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        for field in form.fields.values():  # a table's column heads are no labels
            widget = getattr(field.widget, "widget", field.widget)
            widget.attrs.setdefault("aria-label", field.label)

    def clean(self) -> None:
        super().clean()
        rows = [
            row.cleaned_data
            for row in self.forms
            if row.is_valid() and row.cleaned_data.get("role") and not row.cleaned_data.get("DELETE")
        ]
        administrator = [row for row in rows if row["role"] == Membership.Role.ADMINISTRATOR]
        if len(administrator) > 1:
            raise ValidationError(_("A role is given twice. Keep one row of it."))
        if self.instance == self.signed_in and self.signed_in.is_administrator and not administrator:
            raise ValidationError(
                _("You cannot take the administrator role from yourself. Ask another one to do it.")
            )


class RoleInline(MembershipRowsInline):
    model = Membership
    formset = RoleFormSet
    extra = 1
    verbose_name_plural = gettext_lazy("roles")

    def get_formset(self, request: HttpRequest, obj: User | None = None, **kwargs: Any) -> Any:
        rows: Any = super().get_formset(request, obj, **kwargs)
        rows.signed_in = signed_in_user(request)
        return rows


@admin.register(User)
class UserAdmin(RecordedAdmin[User], AccountAdmin):
    form = UserForm
    add_form = NewUserForm
    inlines = [RoleInline]
    list_display = ["username", "display_name", "email", "roles", "is_active", "signed_in"]
    list_filter = ["is_active", "memberships__role", "memberships__school"]
    search_fields = ["username", "first_name", "last_name", "email"]
    filter_horizontal = []
    readonly_fields = ["signed_in", "joined"]
    fieldsets = [
        (None, {"fields": ["username", "password", "is_active"]}),
        (gettext_lazy("Person"), {"fields": ["first_name", "last_name", "email"]}),
        (gettext_lazy("Dates"), {"fields": ["signed_in", "joined"]}),
    ]
    add_fieldsets = [
        (None, {"classes": ["wide"], "fields": ["username", "first_name", "last_name", "email"]}),
        (None, {"classes": ["wide"], "fields": ["usable_password", "password1", "password2"]}),
    ]
    actions = ["switch_off_two_step"]
    signed_in = time_of("last_login", gettext_lazy("last sign-in"))
    joined = time_of("date_joined", gettext_lazy("account made"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("memberships__school")

    @admin.display(description=gettext_lazy("name"), ordering="last_name")
    def display_name(self, user: User) -> str:
        return user.get_full_name()

    @admin.display(description=gettext_lazy("roles"))
    def roles(self, user: User) -> str:
        return ", ".join(str(role.school or role.get_role_display()) for role in user.memberships.all())

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001
        super().save_related(request, form, formsets, change)
        if not Membership.objects.filter(user=form.instance).exists():
            words = _("%(user)s has no role yet and sees no school. Give them one on their page.")
            self.message_user(request, words % {"user": form.instance}, messages.WARNING)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        """Nobody locks themselves out: so at least one administrator stays."""
        fields = list(super().get_readonly_fields(request, obj))
        return [*fields, "is_active"] if obj == request.user else fields

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return obj != request.user and super().has_delete_permission(request, obj)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        if any(user == request.user for user in objs):
            return [], {}, set(), [_("your own account")]
        return super().get_deleted_objects(objs, request)

    @admin.action(description=gettext_lazy("Switch off two-step sign-in (lost phone)"))
    def switch_off_two_step(self, request: HttpRequest, users: QuerySet[User]) -> None:
        protected = users.filter(authenticator__isnull=False).distinct()
        done = list(protected)
        Authenticator.objects.filter(user__in=done).delete()
        for user in done:
            self.record(request, "two_step_switched_off", user)
        words = ngettext(
            "%(count)s account now signs in with its password alone.",
            "%(count)s accounts now sign in with their password alone.",
            len(done),
        )
        self.message_user(request, words % {"count": len(done)}, messages.SUCCESS)
