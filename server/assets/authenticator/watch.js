// Watches a profile while the app can be seen: by the event stream, and by polling as long as the stream is silent.

import { list, listen } from './phone.js';

const POLL_MS = 2_000;
/** How often to look although the stream is alive. */
const CALM_MS = 15_000;
/** A stream sends a comment every 15 seconds; one that misses two is taken for dead. */
const SILENCE_MS = 40_000;
const RECONNECT_MS = 3_000;
const FAILED_MAX_MS = 15_000;

/** `requests` that wait, `trouble` (`''`, `offline`, `removed`), and `streaming`: whether to open a stream. */
export class Watch {
  constructor(profile, changed) {
    Object.assign(this, { profile, changed, requests: [], trouble: '', answered: false, failures: 0, heard_ms: 0 });
  }

  start() {
    if (!this.abort) {
      this.abort = new AbortController();
      this.poll(this.abort.signal);
    }
  }

  stop() {
    this.abort?.abort();
    this.abort = undefined;
    this.heard_ms = 0;
  }

  async poll(signal) {
    let listening = false;
    while (!signal.aborted) {
      this.again = false;
      const pause = await this.read(signal);
      if (this.answered && this.streaming && !listening) {
        listening = true;
        this.stream(signal);
      }
      if (!this.again) {
        await sleep(pause, signal, (wake) => { this.wake = wake; });
      }
    }
  }

  /** Reads the list once. Says how long to wait until the next time. */
  async read(signal) {
    try {
      const requests = await list(this.profile, signal);
      Object.assign(this, { requests, trouble: '', answered: true, failures: 0 });
    } catch (error) {
      if (signal.aborted) {
        return 0;
      }
      this.failures += 1;
      const removed = error.code === 'invalid_phone';
      this.trouble = removed ? 'removed' : 'offline';
      this.changed();
      const pause = removed ? FAILED_MAX_MS : Math.min(POLL_MS * this.failures, FAILED_MAX_MS);
      return Math.max(error.retry_s * 1000 || 0, pause);
    }
    if (!signal.aborted) {
      this.changed();
    }
    return Date.now() - this.heard_ms < SILENCE_MS ? CALM_MS : POLL_MS;
  }

  nudge() {
    this.again = true;
    this.wake?.();
  }

  async stream(signal) {
    while (!signal.aborted) {
      try {
        await listen(this.profile, (news) => {
          this.heard_ms = Date.now();
          if (news) {
            this.nudge();
          }
        }, signal);
      } catch {
        // Polling goes on, and says what is wrong.
      }
      this.heard_ms = 0;
      if (!signal.aborted) {
        this.nudge();
      }
      await sleep(RECONNECT_MS, signal, () => {});
    }
  }
}

/** Waits, unless it is stopped or woken by the function that it gives. */
function sleep(ms, signal, give) {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
    give(end);
  });
}
