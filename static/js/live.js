// Copying, and a word for a request that failed: htmx itself says nothing then.
function tell(text) {
  const status = document.getElementById("status");
  if (status) status.textContent = text;
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
  tell("Copied.");
});

function warn(text) {
  const notice = document.createElement("div");
  notice.className = "notice tone-bad";
  notice.setAttribute("role", "alert");
  notice.textContent = text;
  document.getElementById("messages")?.replaceChildren(notice);
}

document.addEventListener("htmx:responseError", (event) => {
  const { status } = event.detail.xhr;
  if (status === 401) location.reload();
  else warn(status === 429 ? "Too many requests. Wait a minute and try again." : `The server could not answer (${status}). Try again.`);
});
document.addEventListener("htmx:sendError", () => warn("The server cannot be reached. Check the connection and try again."));
document.addEventListener("htmx:afterSwap", () => document.querySelector("#messages .tone-bad[role=alert]:not(:has(.icon))")?.remove());
