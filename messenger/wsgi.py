import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "messenger.settings")
portal = get_wsgi_application()

# Django is ready only now.
from tracking.buffering import Buffer  # noqa: E402
from tracking.picture import with_picture  # noqa: E402

application = with_picture(portal, Buffer())
# What the start has made stays for ever: looking through it again and again took a third of a large webhook's time.
gc.freeze()
