"""Pages in the order of the work: lists, imports, compose, review, send, watch."""

from django.conf import settings
from django.urls import URLPattern, path

from broadcasts.views import (
    composing,
    import_deciding,
    import_people,
    import_uploading,
    imports,
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
    path("lists/<int:pk>/delete/", lists.list_delete, name="list-delete"),
    path("lists/upload/", uploads.upload_new, name="upload-new"),
    path("lists/uploads/<int:pk>/", uploads.upload_check, name="upload-check"),
    path("lists/uploads/<int:pk>/confirm/", uploads.upload_confirm, name="upload-confirm"),
    path("lists/uploads/<int:pk>/discard/", uploads.upload_discard, name="upload-discard"),
    path("people/imports/", imports.import_list, name="import-list"),
    path("people/imports/new/", import_uploading.import_new, name="import-new"),
    path("people/imports/<int:pk>/", imports.import_detail, name="import-detail"),
    path("people/imports/<int:pk>/progress/", imports.import_progress, name="import-progress"),
    path("people/imports/<int:pk>/columns/", import_uploading.import_columns, name="import-columns"),
    path("people/imports/<int:pk>/people/<slug:slug>/", import_people.import_people, name="import-people"),
    path(
        "people/imports/<int:pk>/rejected.csv",
        import_people.import_rejected_download,
        name="import-rejected-download",
    ),
    path("people/imports/<int:pk>/confirm/", import_deciding.import_confirm, name="import-confirm"),
    path("people/imports/<int:pk>/undo/", import_deciding.import_undo, name="import-undo"),
    path("people/imports/<int:pk>/discard/", import_deciding.import_discard, name="import-discard"),
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
