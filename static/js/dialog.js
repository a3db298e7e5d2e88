// The drawer opens when htmx has put something into it; without this file the same links are pages.
document.addEventListener("htmx:afterSwap", (event) => {
  const dialog = event.target.closest("#dialog");
  if (!dialog || dialog.open) return;
  dialog.showModal();
  dialog.querySelector("input:not([type=hidden]), select, textarea, [type=submit]")?.focus();
});

document.addEventListener("click", (event) => {
  const dialog = event.target.closest("dialog[open]");
  if (!dialog) return;
  const leaves = event.target.closest("[data-close]");
  const box = dialog.getBoundingClientRect();
  const inside = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
  if (leaves || (event.target === dialog && !inside && event.detail > 0)) {
    event.preventDefault();
    dialog.close();
  }
});

document.addEventListener("close", (event) => {
  if (event.target.id === "dialog") document.getElementById("dialog-body").replaceChildren();
}, true);
