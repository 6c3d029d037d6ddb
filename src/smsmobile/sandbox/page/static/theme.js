// The theme: the system's, or light or dark by choice. A classic script in the head, so that the first paint is right.

(() => {
  const THEMES = ["system", "light", "dark"];
  const root = document.documentElement;

  function remembered() {
    try {
      return localStorage.getItem("theme");
    } catch {
      return null; // storage is switched off
    }
  }

  function remember(theme) {
    try {
      localStorage.setItem("theme", theme);
    } catch {
      // it is forgotten with the page
    }
  }

  function show(theme) {
    root.dataset.theme = THEMES.includes(theme) ? theme : "system";
  }

  function label(button) {
    const theme = root.dataset.theme;
    button.title = `Theme: ${theme}`;
    button.setAttribute("aria-label", `Theme: ${theme}. Change it`);
  }

  show(remembered());
  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    label(button);
    button.addEventListener("click", () => {
      const next = THEMES[(THEMES.indexOf(root.dataset.theme) + 1) % THEMES.length];
      show(next);
      remember(next);
      label(button);
    });
  });
})();
