// The editor of policies: line numbers beside the text, and a problem that leads to its line.
const editor = document.querySelector("[data-editor]");

function numbered() {
  const text = editor.querySelector("textarea");
  const gutter = editor.querySelector(".gutter");
  const wrong = new Set([...document.querySelectorAll("[data-line]")].map((each) => Number(each.dataset.line)));
  const lines = Array.from({ length: text.value.split("\n").length }, (_, n) => {
    const line = document.createElement("span");
    line.textContent = `${n + 1}\n`;
    if (wrong.has(n + 1)) line.className = "wrong";
    return line;
  });
  gutter.replaceChildren(...lines);
  gutter.scrollTop = text.scrollTop;
}

function goTo(number) {
  const text = editor.querySelector("textarea");
  const lines = text.value.split("\n");
  const start = lines.slice(0, number - 1).reduce((sum, line) => sum + line.length + 1, 0);
  text.focus();
  text.setSelectionRange(start, start + (lines[number - 1] ?? "").length);
  text.scrollTop = Math.max(0, (number - 4) * 20);
}

if (editor) {
  const text = editor.querySelector("textarea");
  text.addEventListener("input", numbered);
  text.addEventListener("scroll", () => (editor.querySelector(".gutter").scrollTop = text.scrollTop));
  document.addEventListener("htmx:afterSwap", numbered);
  document.addEventListener("click", (event) => {
    const link = event.target.closest("button[data-line]");
    if (link) goTo(Number(link.dataset.line));
  });
  numbered();
}
