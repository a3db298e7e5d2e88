// Keys: "/" search, j and k move between rows, x selects, "g" and a letter goes to a page, "?" helps.
let goes = 0; // until when the letter after "g" counts

function isTyping(target) {
  return target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
}

function moveRow(step) {
  const rows = [...document.querySelectorAll("[data-rows] tbody tr")];
  const links = rows.map((row) => row.querySelector("a[href], input"));
  const here = rows.indexOf(document.activeElement.closest("[data-rows] tbody tr"));
  const next = here < 0 ? (step > 0 ? 0 : rows.length - 1) : here + step;
  const link = rows[next]?.querySelector("th a[href]") ?? links[next];
  link?.focus();
  rows[next]?.scrollIntoView({ block: "nearest" });
}

function pickRow() {
  document.activeElement.closest("tr")?.querySelector("[name=selected]")?.click();
}

function search() {
  const boxes = [...document.querySelectorAll("[data-search]")];
  const box = boxes.find((one) => one.id === "q") ?? boxes[0];
  box?.focus();
  box?.select();
}

const keys = {
  "/": search,
  j: () => moveRow(1),
  k: () => moveRow(-1),
  x: pickRow,
  g: () => (goes = Date.now() + 1200),
  "?": () => document.getElementById("shortcuts")?.showModal(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  if (document.querySelector("dialog[open]")) return;
  if (goes > Date.now() && event.key !== "g") {
    goes = 0;
    document.querySelector(`[data-go="${CSS.escape(event.key)}"]`)?.click();
  } else if (keys[event.key]) {
    event.preventDefault();
    keys[event.key]();
  }
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-shortcuts]")) keys["?"]();
});
