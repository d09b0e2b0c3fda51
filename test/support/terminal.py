"""Runs a command in a terminal of its own: what it prints goes to our stdout, what we are sent is typed; SIGTERM ends it."""
import os
import pty
import select
import signal
import sys

pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])


def end(*_):
    os.killpg(pid, signal.SIGKILL)  # it leads a session, and so a group, of its own
    sys.exit(1)


signal.signal(signal.SIGTERM, end)
typed = True
while True:
    ready, _, _ = select.select([terminal] + ([0] if typed else []), [], [])
    if 0 in ready:
        keys = os.read(0, 1024)
        typed = bool(keys)
        if keys:
            os.write(terminal, keys)
    if terminal in ready:
        try:
            printed = os.read(terminal, 65536)
        except OSError:  # Linux says so when the last process has closed its end
            break
        if not printed:
            break
        os.write(1, printed)
_, status = os.waitpid(pid, 0)
sys.exit(os.waitstatus_to_exitcode(status) & 0xFF)
