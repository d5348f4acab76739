"""Pages in the order of the work: lists, compose, review, send, watch."""

from django.conf import settings
from django.urls import URLPattern, path

from broadcasts.views import (
    composing,
    list_editing,
    list_people,
    lists,
    previewing,
    progress,
    reviewing,
    sandbox,
    sending,
    uploads,
)

app_name = "broadcasts"
urlpatterns: list[URLPattern] = [
    path("lists/", lists.list_list, name="list-list"),
    path("lists/<int:pk>/", lists.list_detail, name="list-detail"),
    path("lists/new/", list_editing.list_new, name="list-new"),
    path("lists/count/", list_editing.list_count, name="list-count"),
    path("lists/<int:pk>/edit/", list_editing.list_edit, name="list-edit"),
    path("lists/<int:pk>/size/", lists.list_size, name="list-size"),
    path("lists/<int:pk>/people/", list_people.list_people, name="list-people"),
    path("lists/<int:pk>/add/", list_people.list_add, name="list-add"),
    path("lists/<int:pk>/fill/", list_people.list_fill, name="list-fill"),
    path("lists/<int:pk>/delete/", lists.list_delete, name="list-delete"),
    path("lists/upload/", uploads.upload_new, name="upload-new"),
    path("lists/uploads/<int:pk>/", uploads.upload_check, name="upload-check"),
    path("lists/uploads/<int:pk>/confirm/", uploads.upload_confirm, name="upload-confirm"),
    path("lists/uploads/<int:pk>/discard/", uploads.upload_discard, name="upload-discard"),
    path("broadcasts/", progress.broadcast_list, name="broadcast-list"),
    path("broadcasts/new/", composing.broadcast_new, name="broadcast-new"),
    path("broadcasts/<int:pk>/edit/", composing.broadcast_edit, name="broadcast-edit"),
    path("broadcasts/<int:pk>/autosave/", composing.broadcast_autosave, name="broadcast-autosave"),
    path("broadcasts/<int:pk>/delete/", composing.broadcast_delete, name="broadcast-delete"),
    path("broadcasts/<int:pk>/preview/", previewing.broadcast_preview, name="broadcast-preview"),
    path("broadcasts/<int:pk>/preview/html/", previewing.broadcast_preview_html, name="broadcast-preview-html"),
    path("broadcasts/<int:pk>/test/", previewing.broadcast_test, name="broadcast-test"),
    path("broadcasts/<int:pk>/review/", reviewing.broadcast_review, name="broadcast-review"),
    path("broadcasts/<int:pk>/review/<slug:slug>/", reviewing.broadcast_review_names, name="broadcast-review-names"),
    path("broadcasts/<int:pk>/send/", sending.broadcast_send, name="broadcast-send"),
    path("broadcasts/<int:pk>/undo/", sending.broadcast_undo, name="broadcast-undo"),
    path("broadcasts/<int:pk>/pause/", sending.broadcast_pause, name="broadcast-pause"),
    path("broadcasts/<int:pk>/resume/", sending.broadcast_resume, name="broadcast-resume"),
    path("broadcasts/<int:pk>/cancel/", sending.broadcast_cancel, name="broadcast-cancel"),
    path("broadcasts/<int:pk>/", progress.broadcast_detail, name="broadcast-detail"),
    path("broadcasts/<int:pk>/progress/", progress.broadcast_progress, name="broadcast-progress"),
]

if settings.MAIL_IS_SANDBOX:
    urlpatterns += [
        path("sandbox/", sandbox.mailbox_list, name="sandbox"),
        path("sandbox/<int:pk>/", sandbox.message_detail, name="sandbox-message"),
        path("sandbox/<int:pk>/html/", sandbox.message_html, name="sandbox-message-html"),
    ]
