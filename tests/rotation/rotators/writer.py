"""A busy service: appends the lines "NAME line N", NAME being the log's own, some every two milliseconds, until its
standard input ends; then it says how many they were.

    writer.py reopen LOG   opens LOG again at SIGHUP, as daemons do, and never minds what it is called meanwhile
    writer.py size LOG     rotates by logging's RotatingFileHandler, every 16 KiB
    writer.py time LOG     rotates by logging's TimedRotatingFileHandler, every second
"""

import logging
import logging.handlers
import os
import select
import signal
import sys

BURST = 10


class Reopening:
    """Writes each burst at once, where it opened last."""

    def __init__(self, path):
        self.path = path
        self.file = open(path, "ab", buffering=0)
        self.told = False
        signal.signal(signal.SIGHUP, self.tell)

    def tell(self, *_):
        self.told = True

    def write(self, lines):
        if self.told:
            self.told = False
            self.file = open(self.path, "ab", buffering=0)
        self.file.write("".join(line + "\n" for line in lines).encode())


class Handler:
    """Writes by a handler of the logging module."""

    def __init__(self, handler):
        self.log = logging.getLogger()
        self.log.setLevel(logging.INFO)
        self.log.addHandler(handler)

    def write(self, lines):
        for line in lines:
            self.log.info(line)


def open_log(how, path):
    if how == "size":
        return Handler(logging.handlers.RotatingFileHandler(path, maxBytes=16 * 1024, backupCount=1000))
    if how == "time":
        return Handler(logging.handlers.TimedRotatingFileHandler(path, when="S", interval=1))
    return Reopening(path)


def main():
    how, path = sys.argv[1:]
    log, name = open_log(how, path), os.path.basename(path)
    count = 0
    # Readable once the other end is closed.
    while not select.select([sys.stdin], [], [], 0.002)[0]:
        log.write([f"{name} line {number}" for number in range(count, count + BURST)])
        count += BURST
    print(count)


main()
