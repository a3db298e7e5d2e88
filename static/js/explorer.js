// The delegation explorer: a click on a box swaps only the picture, and arrow keys move between boxes.
// htmx does not keep the browser from following a link inside an SVG, so that is done here.
function boxLink(event) {
  return event.target.closest?.("svg a[data-box][hx-get]");
}

document.addEventListener("click", (event) => {
  if (!boxLink(event) || !window.htmx) return;
  // With a modifier the browser opens a tab of its own, as for any link.
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) event.stopPropagation();
  else event.preventDefault();
}, true);

const toward = {
  ArrowLeft: (dx, dy) => dx < -20 && -dx + Math.abs(dy),
  ArrowRight: (dx, dy) => dx > 20 && dx + Math.abs(dy),
  ArrowUp: (dx, dy) => dy < -5 && Math.abs(dx) < 20 && -dy,
  ArrowDown: (dx, dy) => dy > 5 && Math.abs(dx) < 20 && dy,
};

document.addEventListener("keydown", (event) => {
  const here = event.target.closest?.("svg a[data-box]");
  const distance = toward[event.key];
  if (!here || !distance || event.altKey || event.ctrlKey || event.metaKey) return;
  const from = here.getBoundingClientRect();
  let nearest = null;
  let least = Infinity;
  for (const box of here.ownerSVGElement.querySelectorAll("a[data-box]")) {
    const to = box.getBoundingClientRect();
    const far = distance(to.x - from.x, to.y - from.y);
    if (far && far < least) [nearest, least] = [box, far];
  }
  if (!nearest) return;
  event.preventDefault();
  nearest.focus();
  nearest.scrollIntoView({ block: "nearest", inline: "nearest" });
});

// Where the picture is wider than its room, the box that was followed, or else the start, is in its middle.
function centre() {
  const room = document.querySelector("#explorer .picture-box");
  const focused = document.activeElement.closest("svg a[data-box]");
  const box = focused ?? room?.querySelector(".root");
  if (!box) return;
  const { x, width } = box.getBoundingClientRect();
  const frame = room.getBoundingClientRect();
  room.scrollLeft += x + width / 2 - frame.x - frame.width / 2;
}

document.addEventListener("DOMContentLoaded", centre);
document.addEventListener("htmx:afterSettle", centre);
