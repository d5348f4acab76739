import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "messenger.settings")
application = get_wsgi_application()
# What the start has made stays for ever: looking through it again and again took a third of a large webhook's time.
gc.freeze()
