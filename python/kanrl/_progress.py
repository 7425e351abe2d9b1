"""What a run looks like while it runs: a line a stage on stderr, and how far it is where that is a terminal."""

import sys
import time


#: From so many seconds left on, a line says how to shorten a stage.
_LONG = 120.0
#: Stages that a setting shortens.
_SHORTENED_BY = {"polish": "polish.environment_steps"}


class Lines:
    """Hears a run's events."""

    def __init__(self, stream=None):
        self.stream = sys.stderr if stream is None else stream
        self.in_place = self.stream.isatty()
        # A pipe, or a notebook, gets a line every ten seconds.
        self.pause = 0.2 if self.in_place else 10.0
        self.told = time.monotonic()
        # When a stage was first heard of, and what was done by then.
        self.first = {}
        self.hinted = set()

    def __call__(self, event):
        kind = event["event"]
        if kind == "progress":
            left = self._left(event)
            if time.monotonic() - self.told >= self.pause:
                left_text = "" if left is None else f", {_duration(left)} left"
                text = f"{event['stage']}: {event['done']} of {event['total']} {event['message']}{left_text}"
                self._tell(text, done=False)
            setting = _SHORTENED_BY.get(event["stage"])
            if setting is not None and setting not in self.hinted and left is not None and left >= _LONG:
                self.hinted.add(setting)
                text = f'{event["stage"]} will take about {_duration(left)} more; config={{"{setting}": …}} shortens it'
                self._tell(text, done=True)
        elif kind == "stage_finished":
            how = "reused from the earlier run" if event["reused"] else f"{event['seconds']:.1f} s"
            self._tell(f"{event['stage']}: {how}", done=True)

    def _left(self, event):
        """Seconds left at the stage's pace so far; None until that can be told."""
        now = time.monotonic()
        since, before = self.first.setdefault(event["stage"], (now, event["done"]))
        elapsed, made = now - since, event["done"] - before
        return elapsed * (event["total"] - event["done"]) / made if elapsed >= 10.0 and made > 0 else None

    def _tell(self, text, done):
        self.told = time.monotonic()
        if self.in_place:
            self.stream.write(f"\r\x1b[K{text[:100]}" + ("\n" if done else ""))
        else:
            self.stream.write(text + "\n")
        self.stream.flush()


def _duration(seconds):
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
