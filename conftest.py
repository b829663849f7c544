"""What holds of all tests, in whichever folder."""

import signal

# A shell has what it starts in the background ignore SIGINT, and so do all programs that are started by
# that: the tests of Ctrl-C would wait for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
