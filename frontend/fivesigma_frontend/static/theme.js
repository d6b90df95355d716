// Colours: as the system says, until the reader chooses. The choice stays in this browser.
const KEY = "fivesigma-theme";
const ORDER = ["system", "light", "dark"];
const TITLES = { system: "as the system", light: "light", dark: "dark" };
const root = document.documentElement;

function stored() {
  try {
    const value = localStorage.getItem(KEY);
    return ORDER.includes(value) ? value : "system";
  } catch {
    return "system"; // storage may be forbidden; the button then lasts for the page
  }
}

function keep(theme) {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // see above
  }
}

function apply(theme) {
  if (theme === "system") delete root.dataset.theme;
  else root.dataset.theme = theme;
  for (const button of document.querySelectorAll("[data-theme-toggle]")) {
    button.title = `Colours: ${TITLES[theme]}`;
    button.setAttribute("aria-label", button.title);
  }
}

root.classList.add("js");
apply(stored());
document.addEventListener("DOMContentLoaded", () => apply(stored()));
window.addEventListener("storage", (event) => {
  if (event.key === KEY) apply(stored());
});
document.addEventListener("click", (event) => {
  if (!event.target.closest?.("[data-theme-toggle]")) return;
  const next = ORDER[(ORDER.indexOf(root.dataset.theme ?? "system") + 1) % ORDER.length];
  keep(next);
  apply(next);
});
