"""What a run looks like while it runs: a line a stage on stderr, and how far it is where that is a terminal."""

import sys
import time


class Lines:
    """Hears a run's events."""

    def __init__(self, stream=None):
        self.stream = sys.stderr if stream is None else stream
        self.in_place = self.stream.isatty()
        # A pipe, or a notebook, gets a line every ten seconds.
        self.pause = 0.2 if self.in_place else 10.0
        self.told = time.monotonic()

    def __call__(self, event):
        kind = event["event"]
        if kind == "progress" and time.monotonic() - self.told >= self.pause:
            self._tell(f"{event['stage']}: {event['done']} of {event['total']} {event['message']}", done=False)
        elif kind == "stage_finished":
            how = "reused from the earlier run" if event["reused"] else f"{event['seconds']:.1f} s"
            self._tell(f"{event['stage']}: {how}", done=True)

    def _tell(self, text, done):
        self.told = time.monotonic()
        if self.in_place:
            self.stream.write(f"\r\x1b[K{text[:100]}" + ("\n" if done else ""))
        else:
            self.stream.write(text + "\n")
        self.stream.flush()
