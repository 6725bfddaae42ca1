"""pdfium may be used by one thread at a time, whatever the document: this lock is that one."""

from threading import RLock

PDFIUM = RLock()
