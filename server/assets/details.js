// Copies what the help desk asks for; it can be selected by hand as well.

const button = document.querySelector("[data-copy]");
const text = (selector) => [...document.querySelectorAll(selector)].map((part) => part.innerText.trim());

function details() {
  const rows = [...document.querySelectorAll("[data-details] > div")].map((row) =>
    [...row.children].map((cell) => cell.innerText.trim()).join(": "),
  );
  return [...text("h1"), ...text(".quote"), ...rows].join("\n");
}

if (button && navigator.clipboard) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(details());
    button.parentElement.querySelector("[role=status]").textContent = button.dataset.copied;
  });
}
