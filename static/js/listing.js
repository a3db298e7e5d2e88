// A list's small conveniences: empty filters stay out of the address, the header box ticks the page, menus close.
document.addEventListener("htmx:configRequest", (event) => {
  if (event.target.id !== "filters") return;
  const asked = event.detail.parameters;
  const boxes = [...event.target.querySelectorAll("[name=col]")];
  // The columns are part of the address only when they differ from the usual ones.
  if (boxes.every((box) => box.checked === box.defaultChecked) && !new URLSearchParams(location.search).has("col")) {
    asked.delete("col");
  }
  for (const name of [...asked.keys()]) {
    if (!asked.getAll(name).some(Boolean)) asked.delete(name);
  }
});

function countPicked() {
  const rows = document.getElementById("rows");
  const told = rows?.querySelector("[data-picked]");
  if (!told) return;
  const boxes = [...rows.querySelectorAll("[name=selected]")];
  const picked = boxes.filter((box) => box.checked).length;
  const all = rows.querySelector("[data-pick-all]");
  told.textContent = `${picked} selected`;
  all.checked = picked === boxes.length;
  all.indeterminate = picked > 0 && picked < boxes.length;
}

function countChoices(menu) {
  const chosen = menu.querySelectorAll(":checked").length;
  menu.classList.toggle("on", chosen > 0);
  menu.querySelector("summary b").textContent = chosen || "Any";
}

document.addEventListener("change", (event) => {
  const { target } = event;
  if (target.closest("details.filter")) countChoices(target.closest("details.filter"));
  if (target.matches("[data-pick-all], [name=select]")) {
    for (const box of document.querySelectorAll("#rows [name=selected]")) box.checked = target.checked;
  }
  if (target.name === "selected" && !target.checked) {
    const everything = document.querySelector("#bulk [name=select]");
    if (everything) everything.checked = false; // fewer than all is not "all matching"
  }
  countPicked();
});

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.drop[open]")) {
    if (!menu.contains(event.target) || event.target.closest("#exports a")) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && event.target.closest("details.drop[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});
