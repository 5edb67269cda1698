// Elements. Text goes in as text only: there is no way from here to HTML, and the browser would refuse one (Trusted Types).
const DRAWING = "http://www.w3.org/2000/svg";
const AS_PROPERTY = new Set(["value", "checked", "disabled", "indeterminate", "selected", "hidden", "inert"]);

export function append(parent, ...kids) {
  for (const kid of kids.flat(Infinity)) if (kid !== null && kid !== undefined && kid !== false) parent.append(kid);
  return parent;
}
export function fill(parent, ...kids) {
  parent.replaceChildren();
  return append(parent, ...kids);
}
function give(node, name, value) {
  if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
  else if (name === "style") for (const [one, size] of Object.entries(value)) node.style.setProperty(one, size);
  else if (name === "data") Object.assign(node.dataset, value);
  else if (AS_PROPERTY.has(name)) node[name] = value;
  else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value === true ? "" : value);
}
/** el("div.card", {…}, kids…): after the tag its classes; the middle may be left out as null. */
export function el(what, given, ...kids) {
  const [tag, ...classes] = what.split("."), node = document.createElement(tag || "div");
  if (classes.length) node.className = classes.join(" ");
  for (const [name, value] of Object.entries(given || {})) give(node, name, value);
  return append(node, ...kids);
}
export function draw(tag, given, ...kids) {
  const node = document.createElementNS(DRAWING, tag);
  for (const [name, value] of Object.entries(given || {})) give(node, name, value);
  return append(node, ...kids);
}

// Lines on a grid of 16.
const SHAPES = {
  overview: "M2.5 9.500h2v4h-2zM7 6h2v7.500H7zM11.500 2.500h2v11h-2z", keys: "M5.500 13a3 3 0 1 1 0-6 3 3 0 0 1 0 6zM7.700 7.900l5.300-5.400M10.600 5l2 2",
  models: "M8 2l5.200 3v6L8 14l-5.200-3V5zM2.800 5L8 8l5.200-3M8 8v6", calls: "M2.500 5.500h11M10.500 2.500l3 3-3 3M13.500 11h-11M5.500 8.500l-3 2.500 3 2.500",
  errors: "M8 2.500l6 11H2zM8 6.500v3.500M8 11.800v.1", clients: "M8 7.500a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5zM3 13.500c.4-2.600 2.300-4 5-4s4.600 1.400 5 4",
  logs: "M2.500 3h11v10h-11zM5 6.200l2 1.800-2 1.800M8.500 10h2.500", settings: "M2.500 5h6M12 5h1.500M10.200 3.300a1.700 1.700 0 1 1 0 3.400 1.700 1.700 0 0 1 0-3.400zM2.500 11H4M7.500 11h6M5.800 9.300a1.700 1.700 0 1 1 0 3.400 1.700 1.700 0 0 1 0-3.400z",
  audit: "M4 2h5.500L12 4.500V14H4zM6 7h4M6 9.500h4M6 12h2.500", search: "M7 11.500a4.500 4.500 0 1 0 0-9 4.500 4.500 0 0 0 0 9zM10.400 10.400l3.100 3.100",
  plus: "M8 3v10M3 8h10", close: "M4 4l8 8M12 4l-8 8", more: "M3.500 8h.01M8 8h.01M12.500 8h.01", left: "M10 4L6 8l4 4", right: "M6 4l4 4-4 4",
  theme: "M8 13.500a5.500 5.500 0 1 0 0-11zM8 2.500a5.500 5.500 0 0 0 0 11", language: "M2.500 4h7M6 2.500V4M4 4c.3 2.500 2 4.500 4.500 5.500M8 4c-.3 2.500-2 5-5.500 6.500M8.500 13.500l2.500-6 2.500 6M9.300 11.500h3.400",
  help: "M6 6a2 2 0 1 1 3 1.700c-.7.500-1 .8-1 1.800M8 12v.1", out: "M9.500 3H3v10h6.500M6.500 8H14M11.500 5.500L14 8l-2.500 2.500", table: "M2.500 3h11v10h-11zM2.500 6.400h11M2.500 9.700h11M7 6.400V13",
  mark: "M2 4c5 0 3.500 4 7 4h5M2 12c5 0 3.500-4 7-4M2 8h7", copy: "M5.500 5.500h8v8h-8zM10.500 5.500v-3h-8v8h3",
};
export const icon = (name, size = 16) => draw("svg", { class: "icon", width: size, height: size, viewBox: "0 0 16 16", "aria-hidden": "true" },
  draw("path", { d: SHAPES[name] }));

export function speak(text) {
  const voice = document.getElementById("spoken");
  voice.textContent = "";
  setTimeout(() => { voice.textContent = text; }, 40);
}
export const isPhone = () => matchMedia("(max-width: 760px)").matches;
