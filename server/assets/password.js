// Comfort for the password field; the form works without it.

const button = document.querySelector("[data-show]");
const field = document.getElementById(button.dataset.show);
const hint = document.querySelector("[data-caps]");

// The answer to a form becomes a page like any other, so that going back to it does not ask to send the form again.
history.replaceState(null, "", location.href);

function show(visible) {
  field.type = visible ? "text" : "password";
  button.setAttribute("aria-pressed", String(visible));
}

button.hidden = false;
button.addEventListener("click", () => show(field.type === "password"));

// A visible password would be remembered among ordinary form entries.
field.form.addEventListener("submit", () => show(false));
addEventListener("pageshow", () => show(false));

for (const kind of ["keydown", "keyup"]) {
  field.addEventListener(kind, (event) => {
    const on = Boolean(event.getModifierState && event.getModifierState("CapsLock"));
    const words = on ? hint.dataset.caps : "";
    if (hint.textContent !== words) hint.textContent = words;
  });
}
