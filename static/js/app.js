"use strict";

// "/" goes to the page's search field, as in most mail programs.
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  const search = document.querySelector("input[type=search], input[data-search]");
  if (!search) return;
  event.preventDefault();
  search.focus();
  search.select();
});

// The account menu closes when the focus or a click goes elsewhere, and on Escape.
const closeMenus = (except) => {
  for (const menu of document.querySelectorAll("details.user-menu[open]")) {
    if (!except || !menu.contains(except)) menu.open = false;
  }
};
document.addEventListener("click", (event) => closeMenus(event.target));
document.addEventListener("focusin", (event) => closeMenus(event.target));
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = document.querySelector("details.user-menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

// What htmx refreshed is said aloud only where the fragment asks for it.
const announce = (words) => {
  const region = document.getElementById("announcements");
  if (region && words && region.textContent !== words) region.textContent = words;
};
document.addEventListener("htmx:afterSettle", (event) => {
  const spoken = event.target.closest?.("[data-announce]") || event.target.querySelector?.("[data-announce]");
  if (spoken) announce(spoken.dataset.announce);
});

for (const trouble of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
  document.addEventListener(trouble, () => announce(document.getElementById("announcements")?.dataset.trouble));
}

// An expired session answers with the sign-in page: go there instead of swapping it in.
document.addEventListener("htmx:beforeSwap", (event) => {
  const answered = event.detail.xhr.responseURL;
  if (answered && new URL(answered).pathname.startsWith("/accounts/login")) {
    event.detail.shouldSwap = false;
    window.location.reload();
  }
});

// A form that came back with errors starts at the list of what to correct.
document.getElementById("form-errors")?.focus();

// A button that says how many of the boxes above it are ticked.
for (const button of document.querySelectorAll("button[data-count-one]")) {
  const count = () => {
    const number = button.form.querySelectorAll("input[type=checkbox]:checked").length;
    const words = number === 1 ? button.dataset.countOne : button.dataset.countMany;
    button.textContent = words.replace("#", String(number));
  };
  button.form.addEventListener("change", count);
  count();
}
