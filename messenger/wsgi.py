import gc
import multiprocessing
import os
import signal
import threading

if multiprocessing.parent_process() and threading.current_thread() is threading.main_thread():
    # A worker of granian's hears no SIGTERM until it has loaded this, and would then serve on until it is killed,
    # which loses opens. So far it has answered nobody, so it may just go; granian sets its own handler afterwards.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(0))

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "messenger.settings")
portal = get_wsgi_application()

# Django is ready only now.
from tracking.buffering import Buffer  # noqa: E402
from tracking.picture import with_picture  # noqa: E402

application = with_picture(portal, Buffer())
# What the start has made stays for ever: looking through it again and again took a third of a large webhook's time.
gc.freeze()
