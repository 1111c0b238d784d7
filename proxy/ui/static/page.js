// Keyboard, theme, copying, local times, and keeping the reader's place while the list renews itself.
"use strict";

const find = (selector, within = document) => within.querySelector(selector);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
let selected = null;

function say(text) {
  const said = find("#said");
  said.textContent = text;
  said.classList.add("shown");
  setTimeout(() => said.classList.remove("shown"), 1500);
}

function theme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  localStorage.setItem("mcp-mend-theme", root.dataset.theme);
}

function select(row) {
  all("tr.selected").forEach((each) => each.classList.remove("selected"));
  if (!row) return;
  selected = row.id;
  row.classList.add("selected");
  find("a", row).focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}

function move(by) {
  const rows = all("tr.entry");
  const at = rows.findIndex((row) => row.id === selected);
  select(rows[Math.min(Math.max(at < 0 ? 0 : at + by, 0), rows.length - 1)]);
}

function localTimes(within) {
  const today = new Date().toDateString();
  for (const time of all("time", within)) {
    const at = new Date(time.dateTime);
    const clock = at.toLocaleTimeString([], { hour12: false });
    const day = at.toDateString() === today ? "" : at.toLocaleDateString([], { day: "numeric", month: "short" }) + " ";
    time.textContent = day + clock;
    time.title = at.toLocaleString();
  }
}

const keys = {
  j: () => move(1),
  k: () => move(-1),
  "/": () => find("#q")?.select(),
  u: () => find("[data-back]")?.click(),
  d: theme,
  "?": () => find("#help").showModal(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || find("#help").open) return;
  if (event.target.matches("input, select, textarea")) {
    if (event.key === "Escape") event.target.blur();
    if (event.key === "ArrowDown" && event.target.id === "q") (event.preventDefault(), move(0));
    return;
  }
  if (keys[event.key]) {
    event.preventDefault();
    keys[event.key]();
  }
});

document.addEventListener("click", async (event) => {
  const target = event.target;
  if (target.dataset.do === "theme") theme();
  if (target.dataset.do === "help") find("#help").showModal();
  if (target.dataset.copy) {
    try {
      await navigator.clipboard.writeText(find("#" + CSS.escape(target.dataset.copy)).textContent);
      say("Copied");
    } catch {
      say("The browser does not allow copying here");
    }
  }
  if (target.closest("[data-back]") && document.referrer.startsWith(location.origin + "/ui/?")) {
    event.preventDefault();
    history.back();
  }
  const row = target.closest("tr.entry");
  if (row && !target.closest("a") && !String(getSelection())) find("a", row).click();
});

function live(state, word) {
  const light = find("#live");
  light.hidden = false;
  light.dataset.state = state;
  find(".word", light).textContent = word;
}

function show(html, mark) {
  const fresh = document.createElement("template");
  fresh.innerHTML = html;
  if (fresh.innerHTML.trim() === shown) return;
  shown = fresh.innerHTML.trim();
  const known = new Set(all("tr.entry").map((row) => row.id));
  entries.replaceChildren(fresh.content);
  localTimes(entries);
  if (mark && known.size) all("tr.entry").forEach((row) => known.has(row.id) || row.classList.add("fresh"));
  const row = selected && document.getElementById(selected);
  if (!row) return;
  row.classList.add("selected");
  if (document.activeElement === document.body) find("a", row).focus({ preventScroll: true });
}

// The server sends the entries that fit the filters, at once and after each change; a page that nobody looks at hears
// nothing until it is looked at again.
const filters = find("#filters");
const entries = find("#entries");
let shown = entries?.innerHTML.trim();
let following = false;
let stream = null;
let typed = null;

function follow(mark) {
  following = true;
  stream?.close();
  if (document.hidden) return;
  stream = new EventSource("/ui/events" + asked());
  stream.onopen = () => live("open", "Live");
  stream.onerror = () => live("lost", "Not connected");
  stream.addEventListener("journal", (event) => {
    show(event.data, mark);
    mark = true;
  });
}

function asked() {
  const given = [...new FormData(filters)].filter(([, value]) => value);
  return given.length ? "?" + new URLSearchParams(given) : "";
}

function filter() {
  history.replaceState(null, "", "/ui/" + asked());
  follow(false);
}

filters?.addEventListener("input", () => {
  clearTimeout(typed);
  typed = setTimeout(filter, 120);
});
filters?.addEventListener("submit", (event) => {
  event.preventDefault();
  filter();
});
document.addEventListener("visibilitychange", () => {
  if (following) follow(true);
});
if (entries && "live" in entries.dataset) follow(true);

document.addEventListener("focusin", (event) => {
  const row = event.target.closest?.("tr.entry");
  if (row && row.id !== selected) select(row);
});
localTimes(document);
