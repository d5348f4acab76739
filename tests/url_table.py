"""Every address of the product by every role → what they get. `tests/test_every_url.py` tries them all."""

# The stranger works in the office of another school. "sign-in": sent to the sign-in page. A slash divides an
# address from the object it names (see `target`).
TABLE = """
                                                  anonymous  stranger  office  administrator
healthz                                     GET   200        200       200     200
readyz                                      GET   503        503       503     503
metrics                                     GET   404        404       404     404
reports:home                                GET   sign-in    200       200     200
reports:email-log                           GET   sign-in    200       200     200
reports:email-log-export                    GET   sign-in    403       403     200
reports:delivery-detail/delivery            GET   sign-in    404       200     200
reports:broadcast-summary                   GET   sign-in    200       200     200
reports:broadcast-summary-export            GET   sign-in    403       403     200
reports:broadcast-report/sending            GET   sign-in    404       200     200
reports:broadcast-report-results/sending    GET   sign-in    404       200     200
reports:broadcast-report-part/report-part   GET   sign-in    404       302     302
reports:addresses-to-fix                    GET   sign-in    200       200     200
reports:family-find                         GET   sign-in    200       200     200
reports:family/person                       GET   sign-in    404       200     200
reports:help                                GET   sign-in    200       200     200

broadcasts:person-list                      GET   sign-in    200       200     200
broadcasts:person-new                       GET   sign-in    200       200     200
broadcasts:person-new                       POST  sign-in    422       422     422
broadcasts:person-types                     GET   sign-in    200       200     200
broadcasts:person-types                     POST  sign-in    422       422     422
broadcasts:person-detail/person             GET   sign-in    404       200     200
broadcasts:person-detail/person             POST  sign-in    404       302     302
broadcasts:person-edit/person               GET   sign-in    404       200     200
broadcasts:person-edit/person               POST  sign-in    404       422     422
broadcasts:address-add/person               GET   sign-in    404       200     200
broadcasts:address-add/person               POST  sign-in    404       422     422
broadcasts:address-edit/address             GET   sign-in    404       200     200
broadcasts:address-edit/address             POST  sign-in    404       422     422
broadcasts:guardian-add/person              GET   sign-in    404       200     200
broadcasts:guardian-add/person              POST  sign-in    404       422     422
broadcasts:guardian-edit/relation           GET   sign-in    404       200     200
broadcasts:guardian-edit/relation           POST  sign-in    404       422     422
broadcasts:guardian-remove/relation         GET   sign-in    404       200     200
broadcasts:guardian-remove/relation         POST  sign-in    404       302     302

broadcasts:list-list                        GET   sign-in    200       200     200
broadcasts:list-detail/list                 GET   sign-in    404       200     200
broadcasts:list-delete/list                 GET   sign-in    404       200     200
broadcasts:list-delete/list                 POST  sign-in    404       302     302
broadcasts:upload-new                       GET   sign-in    200       200     200
broadcasts:upload-new                       POST  sign-in    422       422     422
broadcasts:upload-check/upload              GET   sign-in    404       200     200
broadcasts:upload-confirm/upload            GET   sign-in    404       302     302
broadcasts:upload-confirm/upload            POST  sign-in    404       302     302
broadcasts:upload-discard/upload            GET   sign-in    404       302     302
broadcasts:upload-discard/upload            POST  sign-in    404       302     302

broadcasts:address-correct/address          GET   sign-in    404       200     200
broadcasts:address-correct/address          POST  sign-in    404       422     422
broadcasts:address-confirm/address          GET   sign-in    404       302     302
broadcasts:address-confirm/address          POST  sign-in    404       302     302
broadcasts:address-missed/corrected         GET   sign-in    404       200     200
broadcasts:address-missed/corrected         POST  sign-in    404       422     422

broadcasts:broadcast-list                   GET   sign-in    200       200     200
broadcasts:broadcast-new                    GET   sign-in    200       200     200
broadcasts:broadcast-edit/draft             GET   sign-in    404       200     200
broadcasts:broadcast-edit/draft             POST  sign-in    404       200     200
broadcasts:broadcast-autosave/draft         GET   sign-in    405       405     405
broadcasts:broadcast-autosave/draft         POST  sign-in    404       400     400
broadcasts:broadcast-delete/draft           GET   sign-in    404       302     302
broadcasts:broadcast-delete/draft           POST  sign-in    404       302     302
broadcasts:broadcast-preview/draft          GET   sign-in    404       200     200
broadcasts:broadcast-preview-html/draft     GET   sign-in    404       200     200
broadcasts:broadcast-test/draft             GET   sign-in    404       302     302
broadcasts:broadcast-test/draft             POST  sign-in    404       302     302
broadcasts:broadcast-review/draft           GET   sign-in    404       200     200
broadcasts:broadcast-review-names/names     GET   sign-in    404       200     200
broadcasts:broadcast-send/draft             GET   sign-in    404       302     302
broadcasts:broadcast-send/draft             POST  sign-in    404       422     422
broadcasts:broadcast-undo/scheduled         GET   sign-in    404       302     302
broadcasts:broadcast-undo/scheduled         POST  sign-in    404       302     302
broadcasts:broadcast-pause/sending          GET   sign-in    404       302     302
broadcasts:broadcast-pause/sending          POST  sign-in    404       302     302
broadcasts:broadcast-resume/paused          GET   sign-in    404       302     302
broadcasts:broadcast-resume/paused          POST  sign-in    404       302     302
broadcasts:broadcast-cancel/sending         GET   sign-in    404       302     302
broadcasts:broadcast-cancel/sending         POST  sign-in    404       200     200
broadcasts:broadcast-detail/sending         GET   sign-in    404       200     200
broadcasts:broadcast-progress/sending       GET   sign-in    404       200     200

broadcasts:sandbox                          GET   sign-in    200       200     200
broadcasts:sandbox-message/nothing          GET   sign-in    404       404     404
broadcasts:sandbox-message-html/nothing     GET   sign-in    404       404     404

tracking:pixel/pixel                        GET   200        200       200     200
tracking:preferences/preferences            GET   200        200       200     200
tracking:preferences/preferences            POST  200        200       200     200

account_login                               GET   200        302       302     302
account_logout                              GET   302        200       200     200
account_inactive                            GET   200        200       200     200
account_signup                              GET   200        302       302     302
account_reauthenticate                      GET   sign-in    200       200     200
account_email                               GET   sign-in    200       200     200
account_email_verification_sent             GET   200        200       200     200
account_confirm_email/key                   GET   200        200       200     200
account_change_password                     GET   sign-in    200       200     200
account_set_password                        GET   sign-in    302       302     302
account_confirm_login_code                  GET   302        302       302     302
account_reset_password                      GET   200        200       200     200
account_reset_password_done                 GET   200        200       200     200
account_reset_password_from_key/reset       GET   200        200       200     200
account_reset_password_from_key_done        GET   200        200       200     200
mfa_index                                   GET   sign-in    200       200     200
mfa_authenticate                            GET   302        302       302     302
mfa_reauthenticate                          GET   sign-in    302       302     302
mfa_activate_totp                           GET   sign-in    302       302     302
mfa_deactivate_totp                         GET   sign-in    404       404     404
mfa_view_recovery_codes                     GET   sign-in    404       404     404
mfa_generate_recovery_codes                 GET   sign-in    302       302     302
mfa_download_recovery_codes                 GET   sign-in    404       404     404

admin:index                                 GET   sign-in    403       403     200
admin:login                                 GET   sign-in    403       403     302
admin:logout                                GET   sign-in    403       403     405
admin:password_change                       GET   sign-in    403       403     200
admin:password_change_done                  GET   sign-in    403       403     200
admin:autocomplete                          GET   sign-in    403       403     403
admin:jsi18n                                GET   sign-in    403       403     200
admin:view_on_site/admin-object             GET   sign-in    403       403     404
admin:app_list/app                          GET   sign-in    403       403     200
admin:auth_user_password_change/user        GET   sign-in    403       403     200
admin:broadcasts_blockedemail_add_many      GET   sign-in    403       403     200
admin:broadcasts_blockedemail_export        GET   sign-in    403       403     200

broadcasts:import-list                      GET   sign-in    200       200     200
broadcasts:import-new                       GET   sign-in    200       200     200
broadcasts:import-new                       POST  sign-in    422       422     422
broadcasts:import-detail/import             GET   sign-in    404       200     200
broadcasts:import-progress/import           GET   sign-in    404       200     200
broadcasts:import-columns/uploaded-import   GET   sign-in    404       200     200
broadcasts:import-columns/uploaded-import   POST  sign-in    404       422     422
broadcasts:import-people/staged             GET   sign-in    404       200     200
broadcasts:import-rejected-download/import  GET   sign-in    404       302     302
broadcasts:import-confirm/import            GET   sign-in    404       302     302
broadcasts:import-confirm/import            POST  sign-in    404       302     302
broadcasts:import-undo/import               GET   sign-in    404       302     302
broadcasts:import-undo/import               POST  sign-in    404       302     302
broadcasts:import-discard/import            GET   sign-in    404       302     302
broadcasts:import-discard/import            POST  sign-in    404       302     302

broadcasts:list-new                         GET   sign-in    200       200     200
broadcasts:list-new                         POST  sign-in    422       422     200
broadcasts:list-count                       GET   sign-in    405       405     405
broadcasts:list-count                       POST  sign-in    200       200     404
broadcasts:list-edit/list                   GET   sign-in    404       200     200
broadcasts:list-edit/list                   POST  sign-in    404       422     422
broadcasts:list-size/list                   GET   sign-in    404       200     200
broadcasts:list-people/list                 GET   sign-in    404       200     200
broadcasts:list-people/list                 POST  sign-in    404       302     302
broadcasts:list-add/list                    GET   sign-in    404       200     200
broadcasts:list-add/list                    POST  sign-in    404       302     302
broadcasts:list-fill/list                   GET   sign-in    404       200     200
broadcasts:list-fill/list                   POST  sign-in    404       200     200
"""
