// The number page moves on by itself. Without this file its button does the same.
//
// The server says "changed" on an event stream, the page asks what has changed, and goes on once. Where there is no
// event stream the page asks every two seconds. Nothing runs while the page is hidden.

const POLL_MS = 2000;
const WARN_AT_S = 30;

const status = document.querySelector("[data-testid=match-status]");
const countdown = document.querySelector("[data-seconds]");
const { events, news, next, approved, warning } = status.dataset;

// The answer to a form becomes a page like any other, so that going back to it does not ask to send the form again.
history.replaceState(null, "", location.href);

let stream = null;
let poll = 0;
let tick = 0;
let asking = false;
let askAgain = false;
let left = false;
let warned = false;

// Moves with the page's own clock, so that a computer that slept or has a wrong clock shows no nonsense for long.
const endsAt = performance.now() + Number(countdown.dataset.seconds) * 1000;

function say(sentence) {
  // Screen readers announce every change, so the same words are not put there twice.
  if (sentence && status.textContent !== sentence) status.textContent = sentence;
}

function moveOn(sentence) {
  if (left) return;
  left = true;
  stop();
  say(sentence);
  location.replace(next);
}

async function ask() {
  if (left) return;
  if (asking) {
    askAgain = true;
    return;
  }
  asking = true;
  try {
    const answer = await fetch(news, { headers: { accept: "application/json" }, cache: "no-store" });
    if (answer.ok) heard(await answer.json());
    else if (answer.status < 500 && answer.status !== 429) moveOn("");
  } catch {
    // No network for a moment: the next event or the next round asks again.
    startPolling();
  }
  asking = false;
  if (askAgain && !document.hidden) {
    askAgain = false;
    ask();
  }
}

function heard({ state, sentence }) {
  if (document.hidden) return;
  if (state !== "waiting" && state !== "seen") moveOn(state === "approved" ? approved : sentence);
  else if (state === "seen" || !warned) say(sentence);
}

function startPolling() {
  if (!poll && !left && !document.hidden) poll = setInterval(ask, POLL_MS);
}

function stopPolling() {
  clearInterval(poll);
  poll = 0;
}

function listen() {
  if (!("EventSource" in window)) {
    startPolling();
    return;
  }
  stream = new EventSource(events);
  stream.addEventListener("changed", ask);
  stream.addEventListener("open", stopPolling);
  // The browser connects again by itself; until it has, the page asks.
  stream.addEventListener("error", startPolling);
}

function count() {
  const seconds = Math.max(0, Math.ceil((endsAt - performance.now()) / 1000));
  const { pattern, minutes, short } = countdown.dataset;
  const form = seconds < 60 ? short : minutes;
  const time = form.replace("{minutes}", Math.floor(seconds / 60)).replace("{seconds}", seconds % 60);
  countdown.textContent = pattern.replace("{time}", time);
  if (seconds <= WARN_AT_S && seconds > 0 && !warned) {
    warned = true;
    say(warning);
  }
  if (seconds === 0) {
    clearInterval(tick);
    // The server's clock decides; it is asked until it agrees.
    ask();
    startPolling();
  }
}

function start() {
  if (left || document.hidden) return;
  stop();
  listen();
  ask();
  tick = setInterval(count, 1000);
  count();
}

function stop() {
  if (stream) stream.close();
  stream = null;
  stopPolling();
  clearInterval(tick);
}

document.addEventListener("visibilitychange", () => (document.hidden ? stop() : start()));
addEventListener("pagehide", stop);
// A page that comes back as it was left shows an old number.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
start();
